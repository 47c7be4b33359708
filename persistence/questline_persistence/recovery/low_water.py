"""How far a look has seen that comes again and again, so that it need not begin at the start of its index each time.

What a step leaves behind in an index is taken away by vacuum. While any session holds an old snapshot (a backup, a
replica's feedback, a forgotten transaction), it stays, and each look would walk over all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import ColumnElement, select

from questline_persistence.store import Database

#: A change may be committed so much later than the time that it bears, in seconds, and the next look sees it.
MARGIN_SECONDS = 2.0
#: A whole look that takes no longer than this, in seconds, is taken each time.
CHEAP_SECONDS = 0.002
#: One that takes longer comes again after so many times its length, yet after `LONGEST_SECONDS` at the latest.
REST, LONGEST_SECONDS = 100.0, 15.0


class WholeLooks:
    """Tells when to look at everything again: rarely, where that takes long."""

    def __init__(self) -> None:
        self._rests_until = 0.0
        self._last = 0.0

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Take a look inside the block, which is told whether it is to be a whole one, as it is after an error."""
        began = time.monotonic()
        rests_until, self._rests_until = self._rests_until, 0.0
        whole = began >= rests_until
        yield whole
        if whole:
            took, before = time.monotonic() - began, self._last
            self._last = took
            length = min(took, before)  # a single one may have waited for a busy machine
            rests_until = began + min(REST * length, LONGEST_SECONDS) if length > CHEAP_SECONDS else 0.0
        self._rests_until = rests_until


class LowWater:
    """The time before which nothing was due, in an index that is ordered by time.

    A whole look comes now and then all the same: it finds what was committed very late.
    """

    def __init__(self) -> None:
        #: Nothing is due before this time, in epoch seconds.
        self.mark = 0.0
        self._whole_looks = WholeLooks()

    def look(self, first_due: Callable[[float], float | None], *, now: float) -> bool:
        """Return whether anything is due, and raise the mark.

        Parameters:
          first_due: returns the time of the first thing that is due at the time that it is given or later.
          now: the time of the look, by the database's clock.
        """
        with self._whole_looks.turn() as whole:
            found = first_due(0.0 if whole else min(self.mark, now - MARGIN_SECONDS))
            self.mark = min(now if found is None else found, now - MARGIN_SECONDS)
        return found is not None


def first_moment(
    database: Database, moment: ColumnElement[float], which: ColumnElement[bool], since: float
) -> float | None:
    """Return the least `moment`, not before `since`, of the rows of which `which` is true; None if there are none.

    Asked for any such row, PostgreSQL thinks to come across one soon, and reads all where there is none.

    Parameters:
      database: the store.
      moment: a column that holds times, in epoch seconds, by which an index is ordered.
      which: the condition.
      since: the time to begin at, in epoch seconds.
    """
    query = select(moment).where(which, moment >= since).order_by(moment).limit(1)
    return database.read(lambda connection: connection.execute(query).scalar())
