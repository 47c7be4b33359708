"""Times and lengths of time: read from what people type, and written for them to read."""

from __future__ import annotations

from datetime import datetime

from questline.cli.failures import UsageMistake
from questline_persistence import shown_times
from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError
from questline_persistence.shown_times import ago, length, moment

__all__ = ["ago", "ahead", "length", "moment", "read_length", "read_moment", "since", "stamp", "stamped", "told"]


def read_length(text: str) -> float:
    """Return the seconds that `30s`, `5m`, `2h`, `30d` or `1w` means.

    Raises:
      UsageMistake: it is no length of time.
    """
    try:
        return shown_times.read_length(text)
    except PayloadError as error:
        raise UsageMistake(error.message, hint=error.hint) from None


def read_moment(text: str, now: float) -> float:
    """Return the epoch seconds that an ISO 8601 time or an age such as `2h` means.

    Raises:
      UsageMistake: it is neither, or lies before 1970 or after 9999.
    """
    try:
        return shown_times.read_moment(text, now)
    except PayloadError as error:
        raise UsageMistake(error.message, hint=error.hint) from None


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
