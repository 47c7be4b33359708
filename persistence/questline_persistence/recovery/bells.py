"""The wake-ups that SQL holds: what should be rung, what was rung and waits, and what is rung again.

Any number of processes may ring at once: each change is one guarded transition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    and_,
    case,
    func,
    literal,
    literal_column,
    not_,
    select,
    true,
    tuple_,
    update,
)

from questline_persistence.claims import REDISPATCH_FIRST, REDISPATCH_LONGEST, Doorbell
from questline_persistence.recovery.low_water import LowWater, first_moment
from questline_persistence.recovery.ticket_pages import PAGE, TicketPages, all_pages
from questline_persistence.recovery.worker_conditions import somebody_knows
from questline_persistence.schema import BELL, in_state, not_before_available, still_in_state, tickets
from questline_persistence.states import TicketState
from questline_persistence.store import Database

#: Most steps whose wake-ups are sent again in one go.
MAX_REDISPATCH = 1_000
#: Rings after which the wait for the next one has reached its longest.
_DOUBLINGS = 9
#: How long after its step became ready a bell should have reached the broker, in seconds.
ARRIVAL_SECONDS = 1.0
#: How soon a step is rung for again that a worker left though another one can run it, in seconds.
SOON_SECONDS = 1.0
#: What names a ticket: its quest, and its branch.
TicketKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class RungBell:
    """A bell that should wait in the broker, and when it is rung again, in epoch seconds."""

    bell: Doorbell
    ring_at: float

    @property
    def order(self) -> tuple[float, float, str]:
        """Where it stands among all of them."""
        return self.ring_at, self.bell.available_at, self.bell.quest_id


class Bells:
    """The bells of one namespace, one for each ready ticket, each with the time of its next ring.

    It remembers how far it has looked; whoever looks again and again keeps one. Each of its methods raises
    `StoreUnavailable` where the store does not answer, and takes the time as `now`, in epoch seconds; None asks the
    database.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace
        self._pages = TicketPages(database.dialect, namespace)
        self._ready_from, self._waiting_from = LowWater(), LowWater()

    def due(
        self,
        *,
        limit: int = MAX_REDISPATCH,
        queues: Collection[str] | None = None,
        among: Sequence[TicketKey] | None = None,
        now: float | None = None,
    ) -> list[Doorbell]:
        """Return ready tickets that nobody has claimed since their last ring, and put off their next one.

        Parameters:
          limit: at most this many, those that have waited longest.
          queues: only of these queues; None means of all.
          among: only of these tickets; None means of all.

        Returns:
          The bells to ring now.
        """
        now = self.database.clock.now() if now is None else now
        unheard = and_(
            tickets.c.namespace == self.namespace,
            tickets.c.ring_at <= now,
            true() if queues is None else tickets.c.queue.in_(queues),
            true() if among is None else tuple_(tickets.c.quest_id, tickets.c.branch).in_(among),
        )
        waiting = and_(in_state(TicketState.READY) if among is None else still_in_state(TicketState.READY), unheard)
        low = self._ready_from if queues is None else LowWater()  # which knows of all queues
        if among is None and not low.look(partial(first_moment, self.database, tickets.c.ring_at, waiting), now=now):
            return []
        due = and_(unheard, tickets.c.available_at <= now)
        chosen = select(_choose(and_(waiting, due, tickets.c.ring_at >= low.mark), limit))
        ring = (
            update(tickets)
            .where(tuple_(tickets.c.quest_id, tickets.c.branch).in_(chosen), still_in_state(TicketState.READY), due)
            .values(ring_at=now + _wait(), dispatches=tickets.c.dispatches + 1)
            .returning(*BELL)
        )

        def work(connection: Connection) -> list[Doorbell]:
            # Else each of 100,000 tickets may be compared with each chosen one, for 20 s.
            self.database.dialect.plan_by_keys(connection)
            return [Doorbell(*row) for row in connection.execute(ring)]

        return self.database.write(work, at="due")

    def most_urgent(
        self, queues: Collection[str], *, each: int, now: float | None = None
    ) -> dict[str, list[TicketKey]]:
        """Return the tickets of each queue that are due for a ring, the most urgent first.

        It reads all that is due: no index is ordered by priority, which would cost each step more.

        Parameters:
          queues: the queues.
          each: at most this many of each queue.

        Returns:
          The tickets by queue; nothing for one that has none.
        """
        now = self.database.clock.now() if now is None else now
        order = (tickets.c.priority.desc(), tickets.c.ring_at, tickets.c.available_at)
        rank = func.row_number().over(partition_by=tickets.c.queue, order_by=order).label("rank")
        ranked = (
            select(tickets.c.queue, tickets.c.quest_id, tickets.c.branch, rank)
            .where(
                tickets.c.namespace == self.namespace,
                in_state(TicketState.READY),
                tickets.c.ring_at <= now,
                tickets.c.available_at <= now,
                tickets.c.queue.in_(queues),
            )
            .subquery()
        )
        query = select(ranked).where(ranked.c.rank <= each).order_by(ranked.c.queue, ranked.c.rank)
        found: defaultdict[str, list[TicketKey]] = defaultdict(list)
        for row in self.database.read(lambda connection: list(connection.execute(query))):
            found[row.queue].append((row.quest_id, row.branch))
        return found

    def rung(self, *, limit: int, after: RungBell | None = None, now: float | None = None) -> list[RungBell]:
        """Return ready tickets that were rung and wait for a worker, by the time of their next ring.

        Those that a worker left for want of their Lord are not among them: their bells were answered.

        Parameters:
          limit: at most this many.
          after: the last one of the page before; None for the first page.
        """
        now = self.database.clock.now() if now is None else now
        order = (tickets.c.ring_at, tickets.c.available_at, tickets.c.quest_id)
        query = (
            select(*BELL, tickets.c.ring_at)
            .where(
                tickets.c.namespace == self.namespace,
                in_state(TicketState.READY),
                tickets.c.ring_at > now,
                tickets.c.available_at <= now - ARRIVAL_SECONDS,
                tickets.c.refusals == 0,
                true() if after is None else tuple_(*order) > tuple_(*after.order),
            )
            .order_by(*order)
            .limit(limit)
        )
        rows = self.database.read(lambda connection: list(connection.execute(query)))
        return [RungBell(Doorbell(*row[:-1]), row.ring_at) for row in rows]

    def still_ready(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Return the bells of those among these quests that have a ready ticket now."""
        query = select(*BELL).where(
            tickets.c.namespace == self.namespace,
            tickets.c.quest_id.in_([bell.quest_id for bell in bells]),
            still_in_state(TicketState.READY),
        )
        return self.database.read(lambda connection: [Doorbell(*row) for row in connection.execute(query)])

    def bell_of(self, quest_id: str, *, handlers: list[str] | None = None, now: float | None = None) -> Doorbell | None:
        """Return the bell of a quest's ticket if that is ready and due; else None.

        Parameters:
          quest_id: the quest.
          handlers: the ticket's Lord must be one of these, written "lord:tool"; None allows any.
        """
        now = self.database.clock.now() if now is None else now
        known = true() if handlers is None else tickets.c.handler.in_(handlers)
        query = select(*BELL).where(self._is_ready(quest_id), tickets.c.available_at <= now, known)
        row = self.database.read(lambda connection: connection.execute(query).first())
        return None if row is None else Doorbell(*row)

    def unknown_handler(self, quest_id: str, handlers: list[str], *, now: float | None = None) -> str | None:
        """Return the handler of a quest's ready ticket if it is neither among `handlers` nor a live worker's."""
        now = self.database.clock.now() if now is None else now
        query = select(tickets.c.handler).where(
            self._is_ready(quest_id),
            tickets.c.handler.not_in(handlers),
            not_(somebody_knows(tickets.c.handler, self.namespace, now)),
        )
        return self.database.read(lambda connection: connection.execute(query).scalar())

    def _is_ready(self, quest_id: str) -> ColumnElement[bool]:
        return and_(
            tickets.c.quest_id == quest_id,
            tickets.c.namespace == self.namespace,
            still_in_state(TicketState.READY),
        )

    def ring_soon(self, bells: list[Doorbell], *, now: float | None = None) -> None:
        """Take back rings that did not reach the broker, so that the next look rings them."""
        now = self.database.clock.now() if now is None else now
        for start in range(0, len(bells), PAGE):
            ids = [bell.quest_id for bell in bells[start : start + PAGE]]
            self._ring_each(now, tickets.c.quest_id.in_(ids), still_in_state(TicketState.READY))

    def ring_all(self, *, now: float | None = None) -> int:
        """Make every ready ticket due for a ring: the broker has lost its memory.

        Returns:
          How many it made due.
        """
        now = self.database.clock.now() if now is None else now
        return self._ring_each(now, true(), still_in_state(TicketState.READY))  # all of them, so by their keys

    def ring_refused(self, handlers: list[str], *, now: float | None = None) -> int:
        """Make tickets due that were left by workers without their Lord, now that one with it is there.

        Parameters:
          handlers: the Lords that are there, with their tools.

        Returns:
          How many it made due.
        """
        now = self.database.clock.now() if now is None else now
        refused = literal_column("refusals") > literal_column("0")  # as the index of the refused has it
        return self._ring_each(now, and_(refused, tickets.c.handler.in_(handlers)), in_state(TicketState.READY))

    def _ring_each(self, now: float, which: ColumnElement[bool], found: ColumnElement[bool]) -> int:
        """Make ready tickets due of which `which` is true and whose next ring is late; `found` leads to them."""
        soonest = not_before_available(now)
        late = and_(which, tickets.c.ring_at > now, tickets.c.ring_at > soonest)
        still = and_(still_in_state(TicketState.READY), late)
        change = partial(
            self._pages.change, found=and_(found, late), still=still, values={"ring_at": soonest, "dispatches": 0}
        )
        return all_pages(lambda after: self.database.write(partial(change, after=after), at="ring_at"))

    def refuse(
        self, quest_id: str, epoch: int, position: str, handlers: list[str], *, now: float | None = None
    ) -> bool:
        """Note that a worker left a ticket because it lacks the Lord; return whether that was the reason.

        While a worker with the Lord is alive the ticket is rung again after `SOON_SECONDS`.

        Parameters:
          quest_id: the quest.
          epoch: its epoch when the bell was rung.
          position: the step's position.
          handlers: the Lords that the worker knows, with their tools.
        """
        now = self.database.clock.now() if now is None else now
        known = somebody_knows(tickets.c.handler, self.namespace, now)
        soon = case((known, now + SOON_SECONDS), else_=tickets.c.ring_at)
        change = (
            update(tickets)
            .where(
                tickets.c.namespace == self.namespace,
                tickets.c.quest_id == quest_id,
                tickets.c.epoch == epoch,
                tickets.c.position == position,
                still_in_state(TicketState.READY),
                tickets.c.handler.not_in(handlers),
            )
            .values(refusals=tickets.c.refusals + 1, ring_at=soon)
        )
        return self.database.write(lambda connection: connection.execute(change).rowcount > 0, at="refuse")

    def wake(self, *, now: float | None = None) -> int:
        """Move waiting tickets whose time has come to ready; return how many there were."""
        now = self.database.clock.now() if now is None else now
        due = tickets.c.available_at <= now
        waiting = and_(tickets.c.namespace == self.namespace, in_state(TicketState.WAITING), due)
        low = self._waiting_from
        if not low.look(partial(first_moment, self.database, tickets.c.available_at, waiting), now=now):
            return 0
        found = and_(in_state(TicketState.WAITING), due, tickets.c.available_at >= low.mark)
        values = {"state": TicketState.READY, "fence": tickets.c.fence + 1, "ring_at": now}
        still = and_(still_in_state(TicketState.WAITING), due)
        change = partial(self._pages.change, found=found, still=still, values=values)
        return all_pages(lambda after: self.database.write(partial(change, after=after), at="wake"))


def _choose(which: ColumnElement[bool], limit: int) -> CTE:
    """Return the keys of the tickets that have waited longest of those of which this is true, and lock them.

    A subquery could be run once per row of the UPDATE, each time with a LIMIT of its own; a CTE runs once.
    """
    return (
        select(tickets.c.quest_id, tickets.c.branch)
        .where(which)
        .order_by(tickets.c.ring_at, tickets.c.available_at)  # those that a broker forgot share one ring_at
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )


def _wait() -> ColumnElement[float]:
    """Return how long a ring may go unanswered, in seconds: twice as long each time, up to the longest wait."""
    doubled = REDISPATCH_FIRST * literal(1).op("<<")(tickets.c.dispatches)
    return case((tickets.c.dispatches < _DOUBLINGS, doubled), else_=REDISPATCH_LONGEST)
