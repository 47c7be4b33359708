"""What callers give to our methods, checked at the door: a wrong type is told in a sentence that names the fix."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from pydantic import BaseModel

from questline_persistence.clock import LATEST
from questline_persistence.errors import PayloadError
from questline_persistence.payload import HALVES_HINT, has_halves, refuse_halves, shortened

#: A moment: epoch seconds, a datetime, or ISO 8601 text.
Moment: TypeAlias = float | datetime | str
#: A length of time: seconds, or a timedelta.
Length: TypeAlias = float | timedelta

#: The largest whole number that every store holds.
LARGEST = 2**63 - 1
#: The largest of what has 32 bits: versions, and numbers that things are found by.
LARGEST_NUMBER = 2**31 - 1
#: Longest key of what Lords remember, and longest text that it can be found by, in characters.
MAX_KEY = 255

_NUL_HINT = "a database keeps text without NUL; write bytes as text, such as base64.b64encode(…).decode()"
_TEXT_HINT = 'write it in quotes, as in "{}"'
_MOMENT_HINT = (
    "give epoch seconds as time.time() returns them, a datetime such as datetime.now(UTC) - timedelta(hours=2), "
    "or ISO 8601 text such as 2026-11-21T08:00Z"
)


def wrong_type(value: object, what: str, wanted: str, hint: str | None = None) -> PayloadError:
    """Return the error that something is of a type which it cannot be of."""
    return PayloadError(f"{what} is {wanted}, not {type(value).__name__}", hint=hint)


def text(value: object, what: str, hint: str | None = None) -> str:
    """Return text as it is.

    Raises:
      PayloadError: it is none.
    """
    if isinstance(value, str):
        return value
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    raise wrong_type(value, what, "text", hint or (_TEXT_HINT.format(value) if plain else None))


def text_or_none(value: object, what: str, hint: str | None = None) -> str | None:
    """Return text or None as it is.

    Raises:
      PayloadError: it is neither.
    """
    return None if value is None else text(value, what, hint)


def sought(value: object, what: str) -> str | None:
    """Return text that is looked for in the store, or None.

    Raises:
      PayloadError: it is neither, or text that no store can hold.
    """
    found = text_or_none(value, what)
    refuse_halves(found, what=what)
    return found


def flaw_of(value: str, *, least: int = 0, most: int | None = None) -> tuple[str, str | None] | None:
    """Return why no store keeps a text as it is, and the hint that goes with it; None if every store does.

    Parameters:
      value: the text.
      least: how many characters it must have.
      most: how many it may have; None: any number.
    """
    if len(value) < least:
        return "it cannot be empty", None
    if most is not None and len(value) > most:
        return f"it has {len(value):,} characters; the limit is {most}", None
    if "\0" in value:
        return f"{shortened(value)} holds a NUL character", _NUL_HINT
    if has_halves(value):
        return f"{shortened(value)} holds half of a surrogate pair", HALVES_HINT
    return None


def key(value: object, what: str, *, least: int = 1) -> str:
    """Return the key of something that Lords remember as it is, or a text that it is found by.

    Parameters:
      value: any text of at most `MAX_KEY` characters.
      what: what it is.
      least: how many characters it must have.

    Raises:
      PayloadError: it is none.
    """
    found = text(value, what)
    if flaw := flaw_of(found, least=least, most=MAX_KEY):
        raise PayloadError(f"{what}: {flaw[0]}", hint=flaw[1])
    return found


def short(value: object, what: str) -> str | None:
    """Return a text that things are found by, of at most `MAX_KEY` characters, or None.

    Raises:
      PayloadError: it is neither.
    """
    found = text_or_none(value, what)
    if found is not None and (flaw := flaw_of(found, most=MAX_KEY)):
        raise PayloadError(f"{what}: {flaw[0]}", hint=flaw[1])
    return found


def key_prefix(value: object) -> str:
    """Return the prefix that keeps some keys apart from others; None and "" are none.

    Raises:
      PayloadError: it can be no prefix.
    """
    return "" if value is None or value == "" else key(value, "key_prefix")


def whole(
    value: object, what: str, hint: str | None = None, *, least: int | None = None, most: int | None = LARGEST
) -> int:
    """Return a whole number as it is; `most` is None where the caller has bounds of its own.

    Raises:
      PayloadError: it is none, less than `least`, or larger than what a store holds.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(value, what, "a whole number", hint)
    if least is not None and value < least:
        raise PayloadError(f"{what} must be {least} or more, not {value}", hint=hint)
    if most is not None and abs(value) > most:
        raise PayloadError(f"{what} is larger than any number that questline stores", hint=hint)
    return value


def mapping(value: object, what: str, hint: str) -> Mapping[str, Any]:
    """Return a mapping as it is.

    Raises:
      PayloadError: it is none, or a key of it is no text.
    """
    if not isinstance(value, Mapping):
        raise wrong_type(value, what, "an object", hint)
    for key in value:
        text(key, f"a key of {what}")
    return value


def several(value: object, what: str, wanted: str, hint: str) -> Iterable[Any]:
    """Return a list of things, or what gives them one by one, as it is.

    Raises:
      PayloadError: it is none; text, an object and a record are single things.
    """
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping | BaseModel):
        raise wrong_type(value, what, wanted, hint)
    return value


def seconds(value: object, what: str) -> float:
    """Return a length of time in seconds; one that is over already counts as 0.

    Raises:
      PayloadError: it is none.
    """
    length = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(length, int | float) or isinstance(length, bool) or math.isnan(length):
        raise PayloadError(f"{what} is no length of time: {value!r:.100}", hint="give seconds, or a timedelta")
    return max(0.0, length)


def moment(value: object, what: str) -> float:
    """Return a moment in epoch seconds; a datetime without a zone is this machine's time.

    Raises:
      PayloadError: it is none, or lies before 1970 or after 9999.
    """
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        epoch = found.timestamp() if isinstance(found, datetime) else found
    except (ValueError, OverflowError, OSError):
        epoch = None
    if not isinstance(epoch, int | float) or isinstance(epoch, bool):
        raise PayloadError(f"{what} is no moment: {value!r:.100}", hint=_MOMENT_HINT)
    if not 0 <= epoch <= LATEST:
        raise PayloadError(f"{what} is {value!r:.100}, which is not a time from 1970 to 9999", hint=_MOMENT_HINT)
    return epoch
