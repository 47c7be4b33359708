"""The database's clock, read rarely: an offset to this process's monotonic clock is kept in between.

A worker or scheduler whose own wall clock is wrong schedules nothing wrongly, and no statement pays a
round trip to learn the time. Safety never reads a clock at all: claims and checkpoints are fenced.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

#: Seconds after which the offset is read anew.
RESYNC_SECONDS = 5.0


class Clock:
    """Tells the database's time.

    Parameters:
      read: returns the database's time in epoch seconds.
    """

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self._offset = 0.0
        self._synced_at: float | None = None

    def now(self) -> float:
        """Return the database's time in epoch seconds."""
        monotonic = time.monotonic()
        if self._synced_at is None or monotonic - self._synced_at > RESYNC_SECONDS:
            self.sync(self._read())
        return time.monotonic() + self._offset

    def sync(self, database_now: float) -> None:
        """Take `database_now`, just read, as the present."""
        self._synced_at = time.monotonic()
        self._offset = database_now - self._synced_at


def rfc3339(seconds: float) -> str:
    """Return epoch seconds as RFC 3339 in UTC with microseconds, so that texts sort as times do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
