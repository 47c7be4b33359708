"""Times and lengths of time, written for people to read."""

from __future__ import annotations

from datetime import UTC, datetime

#: The seconds of each unit.
UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_PAIRS = (("m", "s"), ("h", "m"), ("d", "h"))
#: How many of a unit make the next one that is shown.
_NEXT = {"m": 60, "h": 24, "d": 10**9}


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
