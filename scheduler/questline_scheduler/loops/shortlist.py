"""Which steps a process fetches next where its broker is its own memory: SQL orders them then, not the broker."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Collection

from questline_persistence.claims import Doorbell
from questline_persistence.recovery import Bells, TicketKey

#: Most steps of one queue that are remembered.
LISTED = 200
#: A look at all that is due is taken again after so many times as long as it took: no index is ordered by priority.
REST = 19.0


class Shortlist:
    """The most urgent steps of each queue, of which each queue has one in its turn.

    Parameters:
      bells: knows what is due, and puts it off.
    """

    def __init__(self, bells: Bells) -> None:
        self._bells = bells
        self._listed: dict[str, deque[TicketKey]] = {}
        self._turns = itertools.count()
        self._served: dict[str, int] = {}
        self._rests_until = 0.0

    def due(self, *, limit: int, queues: Collection[str], now: float | None = None) -> list[Doorbell]:
        """Return bells for what should run next, and put off their next ring.

        Between two looks at all that is due, when nothing listed is left, age alone decides.

        Parameters:
          limit: at most this many.
          queues: of these queues, each in its turn.
          now: the time of the look, in epoch seconds; None asks the database.
        """
        if time.monotonic() >= self._rests_until and not self._look(queues, now):
            return []
        keys = self._take(limit)
        due = self._bells.due(limit=limit, queues=queues, among=keys or None, now=now)
        order = {quest_id: rank for rank, (quest_id, _) in enumerate(keys)}
        return sorted(due, key=lambda bell: order.get(bell.quest_id, 0))

    def _look(self, queues: Collection[str], now: float | None) -> bool:
        """List what is due, beginning with the queue that has waited longest for its turn; return if anything is."""
        began = time.monotonic()
        found = self._bells.most_urgent(queues, each=LISTED, now=now)
        ended = time.monotonic()
        self._rests_until = ended + REST * (ended - began)
        names = sorted(found, key=lambda name: self._served.get(name, -1))
        self._listed = {name: deque(found[name]) for name in names}
        return bool(names)

    def _take(self, limit: int) -> list[TicketKey]:
        """Take at most `limit` steps off the list, one of each queue in turn."""
        taken: list[TicketKey] = []
        while self._listed and len(taken) < limit:
            name = next(iter(self._listed))
            keys = self._listed.pop(name)
            taken.append(keys.popleft())
            self._served[name] = next(self._turns)
            if keys:
                self._listed[name] = keys  # behind all others
        return taken
