"""The gauges: what the store says of the queues and the workers of a namespace, by looks that end after some rows."""

from __future__ import annotations

from collections.abc import Sequence

from questline_persistence.records import Backlog
from questline_persistence.recovery import Register
from questline_persistence.store import Database
from questline_scheduler.monitoring.metrics import (
    MAX_NAMES,
    OTHER,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    RUNNING,
    WORKERS,
)
from questline_scheduler.monitoring.tally import Sample


class Gauges:
    """Reads the gauges of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant.
      queues: queues that are shown even where nothing waits in them.
    """

    def __init__(self, database: Database, namespace: str, queues: Sequence[str] = ()) -> None:
        self._database = database
        self._backlog = Backlog(database, namespace)
        self._register = Register(database, namespace)
        self._queues = queues

    def read(self, *, now: float | None = None) -> list[Sample]:
        """Return them as they are now.

        Parameters:
          now: the time in epoch seconds; None means the database's.

        Raises:
          StoreUnavailable: the store does not answer.
        """
        now = self._database.clock.now() if now is None else now
        return [
            *self._of_queues(now),
            Sample(RUNNING, (), (self._backlog.number_running(),)),
            Sample(WORKERS, (), (self._register.number_alive(now=now),)),
        ]

    def _of_queues(self, now: float) -> list[Sample]:
        """Return the depth of each queue, and the age of the eldest; the queues beyond `MAX_NAMES` together."""
        depths, ages = dict.fromkeys(self._queues, 0), dict.fromkeys(self._queues, 0.0)
        for load in self._backlog.queues(now=now):
            queue = load.queue if load.queue in depths or len(depths) < MAX_NAMES else OTHER
            depths[queue] = depths.get(queue, 0) + load.depth
            ages[queue] = max(ages.get(queue, 0.0), load.oldest_seconds)
        return [
            *(Sample(QUEUE_DEPTH, (queue,), (depth,)) for queue, depth in depths.items()),
            *(Sample(QUEUE_OLDEST, (queue,), (age,)) for queue, age in ages.items()),
        ]
