"""The database's clock, read rarely: an offset to this process's own clock is kept in between.

A worker or scheduler whose own wall clock is wrong schedules nothing wrongly, and no statement pays a
round trip to learn the time. Safety never reads a clock at all: claims and checkpoints are fenced.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

#: Seconds after which the offset is read anew.
RESYNC_SECONDS = 5.0
#: How often the database is asked at first, to take the quickest answer.
FIRST_READINGS = 3
#: How far ahead this clock may be to let the database's catch up, in seconds; beyond that, the database's was set.
LARGEST_LEAD = 1.0
#: The last second of the year 9999, in epoch seconds: RFC 3339 writes no later year.
LATEST = 253_402_300_799

#: The clock that also runs while the machine is suspended: Linux has one of its own, macOS has it under this name.
_RUNS_ON = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def uptime() -> float:
    """Return the seconds that have passed since some moment, those in which the machine was suspended included."""
    return time.monotonic() if _RUNS_ON is None else time.clock_gettime(_RUNS_ON)


@dataclass(frozen=True, slots=True)
class Reading:
    """A time that the database told, and the moments of this process between which it did so."""

    told: float
    before: float
    after: float

    @classmethod
    def of(cls, ask: Callable[[], float]) -> Reading:
        """Return what `ask` is told, which is to be one statement and no more."""
        before = uptime()
        return cls(ask(), before, uptime())

    def ahead(self, seconds: float) -> Reading:
        """Return what a clock would have told that is so far ahead."""
        return replace(self, told=self.told + seconds)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the database's clock: between which bounds its offset lies, and how far this one is ahead."""

    read_at: float
    low: float
    high: float
    lead: float = 0.0

    def at(self, moment: float) -> float:
        """Return the time at a moment of this process; a lead is lost by going at half speed."""
        return moment + (self.low + self.high) / 2 + max(0.0, self.lead - (moment - self.read_at) / 2)


class Clock:
    """Tells the database's time, which never steps back unless the database's clock itself was set.

    Parameters:
      read: asks the database.
      new_lock: makes a lock.
    """

    def __init__(self, read: Callable[[], Reading], new_lock: Callable[[], threading.Lock] = threading.Lock) -> None:
        self._read = read
        self._asking, self._learning = new_lock(), new_lock()
        #: One value: threads must not see half of a change.
        self._known: _Known | None = None

    def now(self) -> float:
        """Return the database's time in epoch seconds; it asks the database only if it never has."""
        moment, known = uptime(), self._known
        if known is None:
            known = self._first()
            moment = uptime()
        return known.at(moment)

    def refresh(self) -> None:
        """Ask the database again if that was long ago; not to be called while a connection is held."""
        known = self._known
        if known is None:
            self._first()
        elif uptime() - known.read_at > RESYNC_SECONDS and self._asking.acquire(blocking=False):  # one asks for all
            try:
                self._sync(self._read())
            finally:
                self._asking.release()

    def follow(self, move: Callable[[], object]) -> None:
        """Know the new time as soon as `move` has moved the database's clock; not while a connection is held."""
        with self._asking:  # or an answer of before would be learnt behind it, and time would step back
            move()
            self._sync(self._read())

    def _first(self) -> _Known:
        """Ask the database several times, and take the answer that was on its way for the shortest time."""
        return self._sync(min((self._read() for _ in range(FIRST_READINGS)), key=lambda one: one.after - one.before))

    def _sync(self, reading: Reading) -> _Known:
        """Learn from an answer: the slower it was the less, so that one slow answer spoils no quick one."""
        with self._learning:  # else one thread would unsay what another has learnt meanwhile
            self._known = learnt = _learnt(self._known, reading)
            return learnt


def _learnt(known: _Known | None, reading: Reading) -> _Known:
    """Return what is known after an answer."""
    low, high, lead = reading.told - reading.after, reading.told - reading.before, 0.0
    if known is not None and low <= known.high and known.low <= high:
        low, high = max(low, known.low), min(high, known.high)
    moment = uptime()
    if known is not None:
        lead = known.at(moment) - (moment + (low + high) / 2)
    return _Known(moment, low, high, lead if 0.0 < lead <= LARGEST_LEAD else 0.0)


def told(seconds: float) -> float:
    """Return epoch seconds as `rfc3339` tells them, to the microsecond: whoever reads that text has the same number."""
    return round(seconds * 1_000_000) / 1_000_000


def rfc3339(seconds: float) -> str:
    """Return epoch seconds as RFC 3339 in UTC with microseconds, so that texts sort as times do."""
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(whole)}.{micros:06d}Z"


@lru_cache(maxsize=64)
def _second(whole: int) -> str:
    """Return a whole second; a batch has few of them, and each takes three times as long as the rest."""
    return datetime.fromtimestamp(whole, UTC).replace(tzinfo=None).isoformat()
