"""Times and lengths of time: read from what people type, and written for them to read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from questline_persistence.clock import LATEST
from questline_persistence.errors import PayloadError

#: The seconds of each unit.
UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_PAIRS = (("m", "s"), ("h", "m"), ("d", "h"))
#: How many of a unit make the next one that is shown.
_NEXT = {"m": 60, "h": 24, "d": 10**9}


_LENGTH = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])", re.ASCII)
_MOMENT_HINT = "write an ISO 8601 time such as 2026-11-21T08:00Z, or an age such as 2h or 30d"


def read_length(text: str) -> float:
    """Return the seconds that `30s`, `5m`, `2h`, `30d` or `1w` means.

    Raises:
      PayloadError: it is no length of time.
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        hint = "write a number and a unit: 30s, 5m, 2h, 30d or 1w"
        raise PayloadError(f"{text!r:.100} is not a length of time", hint=hint)
    return float(match[1]) * UNITS[match[2]]


def read_moment(text: str, now: float) -> float:
    """Return the epoch seconds that an ISO 8601 time or an age such as `2h` means.

    Raises:
      PayloadError: it is neither, or lies before 1970 or after 9999.
    """
    if _LENGTH.fullmatch(text.strip()):
        seconds = now - read_length(text)
    else:
        try:
            seconds = datetime.fromisoformat(text.strip()).timestamp()  # without a zone it is this machine's time
        except (ValueError, OverflowError, OSError):
            raise PayloadError(f"{text!r:.100} is not a time", hint=_MOMENT_HINT) from None
    if not 0 <= seconds <= LATEST:
        raise PayloadError(f"{text!r:.100} is not a time from 1970 to 9999", hint=_MOMENT_HINT)
    return seconds


def length(seconds: float | None) -> str:
    """Return a length of time in the two units that matter."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < UNITS["m"]:
        return f"{seconds:.1f} s"
    larger, smaller = next((pair for pair in _PAIRS if seconds < UNITS[pair[0]] * _NEXT[pair[0]]), _PAIRS[-1])
    whole, rest = divmod(seconds, UNITS[larger])
    return f"{whole:.0f} {larger} {rest // UNITS[smaller]:.0f} {smaller}"


def moment(seconds: float | None) -> str:
    """Return epoch seconds as a date and a time of day in UTC."""
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(seconds: float, now: float) -> str:
    """Return how long ago a moment was, or how far ahead it is."""
    return f"{length(now - seconds)} ago" if seconds <= now else f"in {length(seconds - now)}"
