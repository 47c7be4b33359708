"""What waits, and for what: the tickets of a namespace, looked over without reading all of them.

Every look but `needed_handlers` goes through an index and ends after `MAX_LOOKED` rows, so that it can be afforded
at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, literal, or_, select

from questline_persistence.recovery import nobody_holds
from questline_persistence.schema import quests, tickets
from questline_persistence.states import ExecutionStatus, TicketState
from questline_persistence.store import Database

#: Most tickets that one look counts.
MAX_LOOKED = 20_000
#: Most quests that are named of each group.
MAX_EXAMPLES = 3
#: Most groups that are told apart.
MAX_GROUPS = 300


class Stage(StrEnum):
    """How far a ticket is from running, or what holds it there."""

    #: It may not run yet.
    LATER = "later"
    #: It may run, and has waited for an ordinary time.
    READY = "ready"
    #: It may run, and nobody has picked it up for long.
    OVERDUE = "overdue"
    RUNNING = "running"
    #: It runs on a worker that is lost, and the sweep is yet to come.
    LOST = "lost"
    #: Its attempt is past its deadline, and the sweep is yet to come.
    LATE = "late"
    PAUSING = "pausing"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Group:
    """Tickets of one stage, handler and queue: how many, and the first of them; times are epoch seconds.

    Parameters:
      stage: how far they are from running, or what holds them there.
      handler: the Lord and tool that they need, as "lord:tool"; "" for paused quests.
      queue: their queue.
      number: how many they are; counting ends at `MAX_LOOKED` in all, or where the look was told to end.
      since: the earliest time at which they may run, or at which they were claimed.
      until: the latest such time.
      quest_ids: the first of their quests, at most `MAX_EXAMPLES`; none where only numbers were asked for.
    """

    stage: Stage
    handler: str
    queue: str
    number: int
    since: float
    until: float
    quest_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """What waits in one queue.

    Parameters:
      queue: the queue.
      depth: how many steps may run and have no worker yet; counting ends at `MAX_LOOKED` in all queues together.
      oldest_seconds: how long the eldest of these has waited.
    """

    queue: str
    depth: int
    oldest_seconds: float


class Backlog:
    """Counts the tickets of one namespace by what they wait for.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def ready(
        self, *, patience: float, now: float | None = None, limit: int | None = None, named: bool = True
    ) -> list[Group]:
        """Return the tickets that wait for a worker, or for their time, as groups.

        Parameters:
          patience: seconds after which one that may run counts as overdue.
          now: the time in epoch seconds; None means the database's.
          limit: how many tickets are looked at, those first whose time comes first; None means `MAX_LOOKED`.
          named: whether the first quests of each group are named, which costs far more than to count them.
        """
        now = self.database.clock.now() if now is None else now
        stage = case(
            (tickets.c.available_at > now, Stage.LATER.value),
            (tickets.c.available_at <= now - patience, Stage.OVERDUE.value),
            else_=Stage.READY.value,
        )
        query = self._tickets(TicketState.READY, stage, tickets.c.available_at).order_by(tickets.c.ring_at)
        return self._groups(query, limit) if named else self._numbers(query, limit)

    def running(self, *, now: float | None = None, limit: int | None = None, named: bool = True) -> list[Group]:
        """Return the tickets that workers hold, as groups.

        Parameters:
          now: the time in epoch seconds; None means the database's.
          limit: how many tickets are looked at; None means `MAX_LOOKED`.
          named: whether the first quests of each group are named, which costs far more than to count them.
        """
        now = self.database.clock.now() if now is None else now
        stage = case(
            (nobody_holds(now), Stage.LOST.value),
            (tickets.c.deadline <= now, Stage.LATE.value),
            else_=Stage.RUNNING.value,
        )
        query = self._tickets(TicketState.RUNNING, stage, tickets.c.claimed_at)
        return self._groups(query, limit) if named else self._numbers(query, limit)

    def queues(self, *, now: float | None = None) -> list[QueueLoad]:
        """Return what waits for a worker now, by queue; a queue in which nothing waits is left out.

        Parameters:
          now: the time in epoch seconds; None means the database's.
        """
        now = self.database.clock.now() if now is None else now
        ready = (
            select(tickets.c.queue, tickets.c.available_at)
            .where(tickets.c.namespace == self.namespace, tickets.c.state == TicketState.READY)
            .order_by(tickets.c.ring_at)
            .limit(MAX_LOOKED)
            .subquery()
        )
        query = (
            select(ready.c.queue, func.count(), func.min(ready.c.available_at))
            .where(ready.c.available_at <= now)
            .group_by(ready.c.queue)
            .order_by(ready.c.queue)
        )
        rows = self.database.read(lambda connection: connection.execute(query).all())
        return [QueueLoad(queue, depth, now - since) for queue, depth, since in rows]

    def number_running(self) -> int:
        """Return how many steps workers hold; at most `MAX_LOOKED`."""
        running = (
            select(tickets.c.quest_id)
            .where(tickets.c.namespace == self.namespace, tickets.c.state == TicketState.RUNNING)
            .limit(MAX_LOOKED)
            .subquery()
        )
        query = select(func.count()).select_from(running)
        return self.database.read(lambda connection: int(connection.execute(query).scalar_one()))

    def paused(self) -> list[Group]:
        """Return the quests that are paused, or about to be, as groups without a handler."""
        nothing = literal("")
        query = select(
            quests.c.quest_id,
            quests.c.status.label("stage"),
            nothing.label("handler"),
            quests.c.queue,
            literal(0.0).label("since"),
        ).where(
            quests.c.namespace == self.namespace,
            quests.c.status.in_([ExecutionStatus.PAUSED, ExecutionStatus.PAUSING]),
        )
        return self._groups(query)

    def ahead_of(self, quest_id: str, *, now: float | None = None) -> int:
        """Return how many steps that may run come before the quest's in its queue; at most `MAX_LOOKED`.

        Parameters:
          quest_id: the quest; 0 come before one that is not in a queue.
          now: the time in epoch seconds; None means the database's.
        """
        now = self.database.clock.now() if now is None else now
        ours = tickets.c.namespace == self.namespace
        # By the key alone: told that it is ready, SQLite would look through all that are.
        own = select(tickets).where(ours, tickets.c.quest_id == quest_id).order_by(tickets.c.position)
        ready = and_(ours, tickets.c.state == TicketState.READY, tickets.c.available_at <= now)

        def work(connection: Connection) -> int:
            mine = next((row for row in connection.execute(own) if row.state == TicketState.READY), None)
            if mine is None:
                return 0
            more_urgent = tickets.c.priority > mine.priority
            older = and_(tickets.c.priority == mine.priority, tickets.c.available_at < mine.available_at)
            before = (
                select(tickets.c.quest_id)
                .where(ready, tickets.c.queue == mine.queue, or_(more_urgent, older))
                .limit(MAX_LOOKED)
                .subquery()
            )
            return int(connection.execute(select(func.count()).select_from(before)).scalar_one())

        return self.database.read(work)

    def needed_handlers(self) -> dict[str, int]:
        """Return which Lords ("lord:tool") live quests need next, and how many quests wait for each.

        This alone reads every ticket: `questline doctor` must not miss a Lord that no worker knows.
        """
        query = (
            select(tickets.c.handler, func.count())
            .where(tickets.c.namespace == self.namespace)
            .group_by(tickets.c.handler)
        )
        return self.database.read(lambda connection: {row[0]: row[1] for row in connection.execute(query)})

    def _tickets(self, state: TicketState, stage: Any, since: Any) -> Select[*tuple[Any, ...]]:
        return select(
            tickets.c.quest_id, stage.label("stage"), tickets.c.handler, tickets.c.queue, since.label("since")
        ).where(tickets.c.namespace == self.namespace, tickets.c.state == state)

    def _numbers(self, query: Select[*tuple[Any, ...]], limit: int | None = None) -> list[Group]:
        """Return the rows of a query as groups, the largest first, without naming any of their quests."""
        looked = query.limit(MAX_LOOKED if limit is None else limit).subquery()
        same = [looked.c.stage, looked.c.handler, looked.c.queue]
        number = func.count().label("number")
        span = func.min(looked.c.since).label("since"), func.max(looked.c.since).label("until")
        counted = select(*same, number, *span).group_by(*same).order_by(number.desc(), *same).limit(MAX_GROUPS)
        rows = self.database.read(lambda connection: connection.execute(counted).all())
        return [Group(Stage(row.stage), row.handler, row.queue, row.number, row.since, row.until, ()) for row in rows]

    def _groups(self, query: Select[*tuple[Any, ...]], limit: int | None = None) -> list[Group]:
        """Return the rows of a query as groups, the largest first; it looks at the first `MAX_LOOKED` of them."""
        looked = query.limit(MAX_LOOKED if limit is None else limit).subquery()
        same = [looked.c.stage, looked.c.handler, looked.c.queue]
        placed = select(
            looked,
            func.count().over(partition_by=same).label("number"),
            func.max(looked.c.since).over(partition_by=same).label("until"),
            func.row_number().over(partition_by=same, order_by=[looked.c.since, looked.c.quest_id]).label("place"),
        ).subquery()
        first = (
            select(placed)
            .where(placed.c.place <= MAX_EXAMPLES)
            .order_by(placed.c.number.desc(), placed.c.stage, placed.c.handler, placed.c.queue, placed.c.place)
            .limit(MAX_GROUPS * MAX_EXAMPLES)
        )
        return list(_grouped(self.database.read(lambda connection: connection.execute(first).all())))


def _grouped(rows: Sequence[Row[Any]]) -> Iterator[Group]:
    """Yield a group for each run of rows of one stage, handler and queue."""
    for (stage, handler, queue), several in groupby(rows, key=lambda row: (row.stage, row.handler, row.queue)):
        first, *more = several
        ids = (first.quest_id, *(row.quest_id for row in more))
        yield Group(Stage(stage), handler, queue, first.number, first.since, first.until, ids)
