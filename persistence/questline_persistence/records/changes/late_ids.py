"""Rows by their numbers, without loss: a transaction that took its number early may commit late."""

from __future__ import annotations

from collections.abc import Sequence

#: Seconds for which a number that is not there is looked for: as long as a transaction may stay open.
PATIENCE_SECONDS = 60.0
#: Most numbers that are looked for at a time; of more, the highest.
MOST = 2_000


class LateIds:
    """What was seen of a table whose rows are numbered as they are written, and which numbers may still come.

    Parameters:
      highest: the highest number of which nothing is to be seen.
    """

    def __init__(self, highest: int = 0) -> None:
        #: The highest number that was seen.
        self.highest = highest
        self._missing: dict[int, float] = {}

    @property
    def missing(self) -> list[int]:
        """The numbers below the highest that were not seen yet, and may still be."""
        return list(self._missing)

    def see(self, ids: Sequence[int], now: float) -> None:
        """Take note of numbers that were seen; those that they leave out are looked for from now on.

        Parameters:
          ids: the numbers.
          now: the time in seconds, by any clock that does not go back.
        """
        for seen in ids:
            self._missing.pop(seen, None)
        newest = max(ids, default=self.highest)
        if newest > self.highest:
            there = set(ids)
            first = max(self.highest + 1, newest - MOST)
            self._missing |= {number: now for number in range(first, newest) if number not in there}
            self.highest = newest
        young = [one for one, since in self._missing.items() if now - since < PATIENCE_SECONDS]
        self._missing = {one: self._missing[one] for one in young[-MOST:]}
