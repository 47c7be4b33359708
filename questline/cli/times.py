"""Times and lengths of time: read from what people type, and written for them to read."""

from __future__ import annotations

import re
from datetime import datetime

from questline.cli.failures import UsageMistake
from questline_persistence.clock import LATEST, rfc3339
from questline_persistence.shown_times import UNITS, ago, length, moment

__all__ = ["ago", "ahead", "length", "moment", "read_length", "read_moment", "since", "stamp", "stamped", "told"]

_LENGTH = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])")


def read_length(text: str) -> float:
    """Return the seconds that `30s`, `5m`, `2h`, `30d` or `1w` means.

    Raises:
      UsageMistake: it is no length of time.
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise UsageMistake(
            f"{text!r:.100} is not a length of time", hint="write a number and a unit: 30s, 5m, 2h, 30d or 1w"
        )
    return float(match[1]) * UNITS[match[2]]


def read_moment(text: str, now: float) -> float:
    """Return the epoch seconds that an ISO 8601 time or an age such as `2h` means.

    Raises:
      UsageMistake: it is neither, or lies before 1970 or after 9999.
    """
    if _LENGTH.fullmatch(text.strip()):
        seconds = now - read_length(text)
    else:
        try:
            seconds = datetime.fromisoformat(text.strip()).timestamp()  # without a zone it is this machine's time
        except (ValueError, OverflowError, OSError):
            raise UsageMistake(f"{text!r:.100} is not a time", hint=_MOMENT_HINT) from None
    if not 0 <= seconds <= LATEST:
        raise UsageMistake(f"{text!r} is not a time from 1970 to 9999", hint=_MOMENT_HINT)
    return seconds


_MOMENT_HINT = "write an ISO 8601 time such as 2026-11-21T08:00Z, or an age such as 2h or 30d"


def stamped(seconds: float | None) -> str | None:
    """Return epoch seconds as an RFC 3339 text of ours."""
    return None if seconds is None else rfc3339(seconds)


def stamp(text: str | None) -> float | None:
    """Return the epoch seconds of an RFC 3339 text of ours."""
    return None if text is None else datetime.fromisoformat(text).timestamp()


def since(text: str | None, now: float) -> str:
    """Return how long ago an RFC 3339 text of ours was; clocks may differ, but what is written is not to come."""
    made = stamp(text)
    return "" if made is None else ago(min(made, now), now)


def ahead(text: str, now: float) -> str:
    """Return how far ahead an RFC 3339 text of ours is, or how long ago it was."""
    return ago(stamp(text) or 0.0, now)


def told(text: str | None, now: float) -> str:
    """Return when an RFC 3339 text of ours was, and how long ago."""
    return f"{moment(stamp(text))} ({since(text, now)})" if text else moment(None)
