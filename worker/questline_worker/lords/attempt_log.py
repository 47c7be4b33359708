"""What one attempt of a step says while it runs, line by line: numbered, bounded, and passed on to be written."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from questline_persistence.claims import Claim
from questline_persistence.errors import message_of, traceback_of
from questline_persistence.payload import Limit, encode, size_of
from questline_persistence.step_log import LineKind, LogLine

#: Most lines that one attempt says, and their size together in characters; what goes beyond is left out.
MAX_LINES, MAX_SIZE = 1_000, 1_000_000
#: Most lines of one attempt in a second.
MAX_RATE = 200
#: Longest text of a line, and of one of its fields, in characters; the rest of a longer one is left out.
MAX_MESSAGE, MAX_FIELD = 8_000, 2_000
#: Most fields of a line.
MAX_FIELDS = 50
#: Largest value that is emitted, in bytes of JSON.
MAX_EMITTED = 64_000
#: Beyond this, a value is refused before it is written out.
_ANY_SIZE = Limit(100_000_000)

#: Fields that a line has as columns of its own.
_KNOWN = frozenset({"event", "exc_info", "positional_args", "quest_id", "position", "lord", "tool", "attempt"})
_LEVELS = {"exception": "error", "warn": "warning", "fatal": "critical", "err": "error"}

#: Takes a line to be written; returns whether there was room for it.
Put = Callable[[LogLine], bool]


class AttemptLog:
    """The log of one attempt. It may be written to from several threads, and nothing of it raises or waits.

    Parameters:
      claim: the hold on the step.
      put: takes each line.
    """

    def __init__(self, claim: Claim, put: Put) -> None:
        self._claim = claim
        self._put = put
        self._lock = threading.Lock()
        self._seq = self._size = self._left_out = 0
        self._second, self._in_second = 0, 0
        self._full = False

    def hear(self, logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """Take a line of `ctx.log` on its way to the process's log: a structlog processor.

        Parameters:
          logger: the standard library's logger, which says whether lines for debugging are wanted.
          method: how the line was logged.
          event: the line.
        """
        level = _LEVELS.get(method, method)
        if level != "debug" or logger.isEnabledFor(logging.DEBUG):
            self.say(level, _message(event), _fields(event, method))
        return event

    def say(self, level: str, message: str, fields: Mapping[str, Any] | None = None) -> None:
        """Say a line.

        Parameters:
          level: how grave it is.
          message: its text; one that is too long is cut.
          fields: what belongs to it; values that are no JSON are told as text.
        """
        data = encode(fields, what="fields") if fields else None
        self._add(LineKind.LOG, level, cut(message, MAX_MESSAGE), data)

    def emit(self, value: Any) -> None:
        """Say a value.

        Raises:
          PayloadError: it is no JSON.
        """
        data = encode(value, what="what was emitted", root="value", limit=_ANY_SIZE)
        if (size := size_of(data)) > MAX_EMITTED:
            message = f"A value of {size:,} bytes was left out: the limit is {MAX_EMITTED:,}."
            self._add(LineKind.LEFT_OUT, "warning", message)
        else:
            self._add(LineKind.DATA, None, None, data)

    def close(self) -> None:
        """Tell how many lines were left out at the end."""
        with self._lock:
            self._tell_left_out()

    def _add(self, kind: LineKind, level: str | None, message: str | None, data: str | None = None) -> None:
        with self._lock:
            if not self._has_room(len(message or "") + len(data or "")):
                self._left_out += 1
                return
            self._tell_left_out()
            if not self._send(kind, level, message, data):
                self._left_out += 1

    def _has_room(self, size: int) -> bool:
        """Tell whether one more line may be said now; the last one of all says that what follows is left out."""
        if self._full:
            return False
        if self._seq >= MAX_LINES or self._size + size > MAX_SIZE:
            self._full = True
            most = f"{MAX_LINES:,} lines" if self._seq >= MAX_LINES else f"{MAX_SIZE:,} characters"
            self._send(LineKind.LEFT_OUT, "warning", f"This attempt has said {most}: what follows is left out.", None)
            return False
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        return self._in_second <= MAX_RATE

    def _tell_left_out(self) -> None:
        if self._left_out:
            count, self._left_out = self._left_out, 0
            lines = "1 line was" if count == 1 else f"{count:,} lines were"
            if not self._send(LineKind.LEFT_OUT, "warning", f"{lines} left out: more than can be kept.", None):
                self._left_out = count

    def _send(self, kind: LineKind, level: str | None, message: str | None, data: str | None) -> bool:
        """Number a line and pass it on; return whether there was room for it."""
        claim = self._claim
        line = LogLine(
            *(claim.quest_id, claim.epoch, claim.position, claim.attempt, claim.claim_id, claim.fence, self._seq + 1),
            at=claim.time(),
            kind=kind,
            level=level,
            message=message,
            data=data,
        )
        if not self._put(line):
            return False
        self._seq += 1
        self._size += line.size
        return True


def cut(text: str, most: int) -> str:
    """Return a text as every store can hold it: bounded, without NUL and halves of characters."""
    if len(text) > most:
        text = f"{text[:most]}… ({len(text):,} characters)"
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _message(event: Mapping[str, Any]) -> str:
    """Return the text of a line, with its arguments filled in as the standard library fills them in."""
    text, arguments = _text(event.get("event", "")), event.get("positional_args")
    if not arguments:
        return text
    try:
        return str(text % arguments)
    except Exception:  # noqa: BLE001  (the arguments may raise anything, or not fit)
        return f"{text} {_text(arguments)}"


def _fields(event: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Return what a line says besides its text."""
    names = [name for name in event if name not in _KNOWN][:MAX_FIELDS]
    found = {cut(str(name), MAX_FIELD): _value(event[name]) for name in names}
    if error := _error(event.get("exc_info", method == "exception")):
        text = traceback_of(error)
        found["exception"] = text if len(text) <= MAX_MESSAGE else f"…{text[-MAX_MESSAGE:]}"
        found["exception"] = cut(found["exception"], MAX_MESSAGE + 1)
    return found


def _error(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if len(exc_info) > 1 else None
    return sys.exc_info()[1] if exc_info else None


def _value(value: Any) -> Any:
    """Return a field's value as JSON has it, or as text where it is none, or is long."""
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63):
        return value if value == value and value not in {float("inf"), float("-inf")} else str(value)  # noqa: PLR0124
    if isinstance(value, str):
        return cut(value, MAX_FIELD)
    try:
        encode(value, what="a field", limit=Limit(MAX_FIELD))
    except Exception:  # noqa: BLE001  (whatever a handler has logged)
        return cut(_text(value), MAX_FIELD)
    return value


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  (a handler may log anything)
        return f"<a {type(value).__name__} that cannot be shown: {message_of(error)}>"
