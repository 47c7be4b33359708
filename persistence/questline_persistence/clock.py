"""The database's clock, read rarely: an offset to this process's monotonic clock is kept in between.

A worker or scheduler whose own wall clock is wrong schedules nothing wrongly, and no statement pays a
round trip to learn the time. Safety never reads a clock at all: claims and checkpoints are fenced.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

#: Seconds after which the offset is read anew.
RESYNC_SECONDS = 5.0
#: The last second of the year 9999, in epoch seconds: RFC 3339 writes no later year.
LATEST = 253_402_300_799


class Clock:
    """Tells the database's time.

    Parameters:
      read: returns the database's time in epoch seconds.
    """

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        #: When the offset was read, and the offset, as one value: threads must not see half of a change.
        self._known: tuple[float, float] | None = None

    def now(self) -> float:
        """Return the database's time in epoch seconds; it asks the database only if it never has."""
        if self._known is None:
            self.refresh()
        return time.monotonic() + (self._known[1] if self._known else 0.0)

    def refresh(self) -> None:
        """Ask the database again if that was long ago; not to be called while a connection is held."""
        if self._known is None or time.monotonic() - self._known[0] > RESYNC_SECONDS:
            before = time.monotonic()
            self.sync(self._read() + (time.monotonic() - before) / 2)

    def sync(self, database_now: float) -> None:
        """Take `database_now`, just read, as the present."""
        monotonic = time.monotonic()
        self._known = (monotonic, database_now - monotonic)


def rfc3339(seconds: float) -> str:
    """Return epoch seconds as RFC 3339 in UTC with microseconds, so that texts sort as times do."""
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(whole)}.{micros:06d}Z"


@lru_cache(maxsize=64)
def _second(whole: int) -> str:
    """Return a whole second; a batch has few of them, and each takes three times as long as the rest."""
    return datetime.fromtimestamp(whole, UTC).replace(tzinfo=None).isoformat()
