"""What a handler prints, or logs by Python's own logging, as lines of its step's log."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TextIO

from questline_persistence.errors import traceback_of
from questline_persistence.log import is_ours
from questline_worker.lords.attempt_log import MAX_MESSAGE, AttemptLog

#: The log of the step whose handler runs here; threads and tasks that the handler starts with its context have it, too.
_SPEAKING: ContextVar[_Speech | None] = ContextVar("questline_speaking", default=None)


class _Speech:
    """What one attempt prints: a line is said once it has ended."""

    def __init__(self, said: AttemptLog) -> None:
        self.said = said
        self._begun = ""

    def print(self, text: str) -> None:
        """Take a piece of what is printed."""
        *lines, begun = (self._begun + text).split("\n")
        self._begun = begun if len(begun) <= MAX_MESSAGE else ""
        for line in (*lines, *([] if self._begun == begun else [begun])):
            if line.strip():
                self.said.say("info", line, {"logger": "stdout"})


class _Captured(logging.Handler):
    """Says what handlers log by other means than `ctx.log`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say a line, if a handler has logged it."""
        speech = _SPEAKING.get()
        if speech is None or is_ours(record):
            return
        with suppress(Exception):  # a line that cannot be put into words is nobody's trouble here
            error = record.exc_info[1] if record.exc_info else None
            more = {} if error is None else {"exception": traceback_of(error)[-MAX_MESSAGE:]}
            speech.said.say(record.levelname.lower(), record.getMessage(), {"logger": record.name, **more})


class _Printed:
    """Stands in for stdout: passes all on to it, and says what handlers print."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Print a text."""
        written = self._stream.write(text)
        if (speech := _SPEAKING.get()) is not None:
            speech.print(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def capture() -> None:
    """Have the log of each step that is told of by `speaking` get what its handler prints and logs; once is enough."""
    root = logging.getLogger()
    if not any(isinstance(handler, _Captured) for handler in root.handlers):
        root.addHandler(_Captured())
    if not isinstance(sys.stdout, _Printed):
        sys.stdout = _Printed(sys.stdout)


def speaking(said: AttemptLog) -> None:
    """Tell whose log it is that what is printed in this context from now on belongs to."""
    _SPEAKING.set(_Speech(said))
