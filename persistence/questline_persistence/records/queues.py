"""The queues of a namespace: what waits in each, for how long, and who listens to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, union_all

from questline_persistence.records.backlog import MAX_LOOKED
from questline_persistence.recovery import Register
from questline_persistence.schema import tickets
from questline_persistence.states import TicketState
from questline_persistence.store import Database


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue, as people look at it; each state is counted up to `MAX_LOOKED` tickets over all queues.

    Parameters:
      queue: its name.
      ready: how many steps may run now.
      later: how many wait for their time.
      running: how many run.
      held: how many belong to quests that are paused.
      oldest_seconds: for how long the first of those that may run has been waiting; None where there is none.
      workers: how many live workers listen to it.
      threads: how many threads these have together.
    """

    queue: str
    ready: int
    later: int
    running: int
    held: int
    oldest_seconds: float | None
    workers: int
    threads: int

    def to_json(self) -> dict[str, Any]:
        """Return the queue as JSON."""
        return asdict(self)


class Queues:
    """Looks at the queues of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def all(self, *, now: float | None = None) -> list[QueueView]:
        """Return every queue that a step waits in or a live worker listens to, by name.

        Parameters:
          now: the time in epoch seconds; None means the database's.
        """
        now = self.database.clock.now() if now is None else now
        counted = self.database.read(lambda connection: self._counted(connection, now))
        live = [worker for worker in Register(self.database, self.namespace).all(now=now) if worker.live]
        heard = {queue for worker in live for queue in worker.queues}
        return [
            _view(queue, counted.get(queue), now, [one.threads for one in live if queue in one.queues])
            for queue in sorted({*counted, *heard})
        ]

    def _counted(self, connection: Connection, now: float) -> Mapping[str, Row[*tuple[Any, ...]]]:
        """Return the numbers of each queue that has tickets."""
        states = (TicketState.READY, TicketState.WAITING, TicketState.RUNNING, TicketState.HELD)
        looked = union_all(*(self._looked(state) for state in states)).subquery()
        may_run = looked.c.state.in_([TicketState.READY, TicketState.WAITING]) & (looked.c.available_at <= now)
        ahead = looked.c.state.in_([TicketState.READY, TicketState.WAITING]) & (looked.c.available_at > now)
        query = select(
            looked.c.queue,
            func.sum(case((may_run, 1), else_=0)).label("ready"),
            func.sum(case((ahead, 1), else_=0)).label("later"),
            func.sum(case((looked.c.state == TicketState.RUNNING, 1), else_=0)).label("running"),
            func.sum(case((looked.c.state == TicketState.HELD, 1), else_=0)).label("held"),
            func.min(case((may_run, looked.c.available_at))).label("oldest"),
        ).group_by(looked.c.queue)
        return {row.queue: row for row in connection.execute(query).all()}

    def _looked(self, state: TicketState) -> Any:
        """Return the query for some of the tickets of a state."""
        mine = (tickets.c.namespace == self.namespace, tickets.c.state == state)
        found = select(tickets.c.queue, tickets.c.state, tickets.c.available_at).where(*mine).limit(MAX_LOOKED)
        return select(found.subquery())


def _view(queue: str, row: Row[*tuple[Any, ...]] | None, now: float, threads: list[int]) -> QueueView:
    if row is None:
        return QueueView(queue, 0, 0, 0, 0, None, len(threads), sum(threads))
    oldest = None if row.oldest is None else max(now - row.oldest, 0.0)
    return QueueView(queue, row.ready, row.later, row.running, row.held, oldest, len(threads), sum(threads))
