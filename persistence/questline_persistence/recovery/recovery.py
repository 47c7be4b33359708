"""What the loops write: claims freed from dead workers, doorbells rung again, timers that are due.

Any number of processes may run these at once: each change is one guarded transition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)

from questline_persistence.claims import REDISPATCH_FIRST, REDISPATCH_LONGEST, Doorbell
from questline_persistence.dialects import changed_rows
from questline_persistence.failpoints import failpoint
from questline_persistence.recovery.counters import Counters
from questline_persistence.recovery.freeing import Freeing, nobody_holds
from questline_persistence.recovery.low_water import MARGIN_SECONDS, LowWater, WholeLooks
from questline_persistence.recovery.register import last_words
from questline_persistence.schema import (
    BELL,
    in_state,
    not_before_available,
    order_of_locks,
    steps,
    still_in_state,
    tickets,
    workers,
)
from questline_persistence.states import ExecutionStatus, TicketState, WorkerState
from questline_persistence.store import Database
from questline_persistence.suspicion import MAX_LOST

#: Most dead claims freed in one transaction.
MAX_SWEEP = 500
#: Most steps whose wake-ups are sent again, or whose waits end, in one go.
MAX_REDISPATCH = 1_000
#: Rings after which the wait has reached its longest.
_DOUBLINGS = 9
#: How long after its step became ready a bell should have reached the broker, in seconds.
ARRIVAL_SECONDS = 1.0
#: What names a ticket: its quest, and its branch.
TicketKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class RungBell:
    """A bell that should wait in the broker, and when it is rung again."""

    bell: Doorbell
    ring_at: float

    @property
    def place(self) -> tuple[float, float, str]:
        """Where it stands among all of them."""
        return self.ring_at, self.bell.available_at, self.bell.quest_id


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: workers found lost, claims freed, the bells to ring for them, and whether more is left."""

    lost_workers: tuple[str, ...] = ()
    freed: int = 0
    failed: int = 0
    doorbells: tuple[Doorbell, ...] = ()
    more: bool = False


class Recovery:
    """Repairs what dead workers and lost doorbells leave behind, in one namespace.

    Parameters:
      database: the store.
      namespace: the tenant.
      max_lost: how many workers a step may kill, alone in each, before its quest fails.
    """

    def __init__(self, database: Database, namespace: str, *, max_lost: int = MAX_LOST) -> None:
        self.database = database
        self.namespace = namespace
        #: What the loops count, for people to see.
        self.counters = Counters(database, namespace)
        self._freeing = Freeing(database, max_lost)
        self._ready_from, self._waiting_from = LowWater(), LowWater()
        self._whole_sweeps = WholeLooks()
        self._swept_at = 0.0

    def sweep(self, *, workers_of: Sequence[str] | None = None, now: float | None = None) -> Swept:
        """Move all tickets from running to ready (held, failed) whose worker's lease or own deadline is over.

        Parameters:
          workers_of: look at these workers only, which are known to be lost; None looks for lost ones itself.
        """
        now = self.database.clock.now() if now is None else now
        lost = self.declare_lost(now) if workers_of is None and self.lease_over(now) else ()
        parts = [*self.free_dead(now, workers_of=workers_of, whole=True)]
        bells = tuple(bell for part in parts for bell in part.doorbells)
        return Swept(lost, sum(part.freed for part in parts), sum(part.failed for part in parts), bells)

    def lease_over(self, now: float) -> bool:
        """Return whether the lease of a worker is over."""
        return self._first(workers.c.lease_until, self._over(now), 0.0) is not None

    def declare_lost(self, now: float) -> tuple[str, ...]:
        """Move workers from live to lost whose lease is over; one whose row somebody has locked, in a later sweep."""
        over = self._over(now)
        free = select(workers.c.worker_id).where(over).with_for_update(skip_locked=True)
        lost = update(workers).values(state=WorkerState.LOST, ended_at=now, **last_words())

        def work(connection: Connection) -> tuple[str, ...]:
            mine = workers.c.worker_id.in_(connection.execute(free).scalars().all())
            return tuple(connection.execute(lost.where(mine, over).returning(workers.c.worker_id)).scalars())

        return self.database.write(work, at="sweep_lost")

    def free_dead(self, now: float, *, workers_of: Sequence[str] | None = None, whole: bool = False) -> Iterator[Swept]:
        """Move tickets from running to ready (held, failed), batch by batch, until each that looked dead was tried.

        Parameters:
          workers_of: look at the claims of these workers only.
          whole: look at all claims, though that may take long; else, where it does, those of workers that have ended
            since the last whole look are freed now, and those whose time is over some seconds later.
        """
        if workers_of is None and not whole:
            workers_of, found = self._dear_candidates(now)
        else:
            found = self._candidates(now, workers_of)
        while found:
            failpoint("sweep.found")
            ends = self._freeing.free(found, now)
            bells = tuple(end.doorbell for end in ends if end.doorbell and end.doorbell.available_at <= now)
            yield Swept((), len(ends), sum(end.status is ExecutionStatus.FAILED for end in ends), bells)
            full = len(found) == MAX_SWEEP
            found = self._candidates(now, workers_of, after=found[-1].quest_id) if full else []

    def _dear_candidates(self, now: float) -> tuple[list[str] | None, list[Row[Any]]]:
        """Return claims that look dead, and whose claims were looked at: None means everybody's."""
        with self._whole_sweeps.turn() as whole:
            if whole:
                self._swept_at = now
                return None, self._candidates(now)
            ended = self._ended_since(self._swept_at - MARGIN_SECONDS)
            return ended, self._candidates(now, ended) if ended else []

    def _ended_since(self, moment: float) -> list[str]:
        """Return the workers that have ended, one way or the other, since a moment."""
        query = select(workers.c.worker_id).where(
            workers.c.namespace == self.namespace, workers.c.state != WorkerState.LIVE, workers.c.ended_at >= moment
        )
        return self.database.read(lambda connection: list(connection.execute(query).scalars()))

    def _over(self, now: float) -> ColumnElement[bool]:
        return and_(
            workers.c.namespace == self.namespace, workers.c.state == WorkerState.LIVE, workers.c.lease_until <= now
        )

    def _candidates(
        self, now: float, workers_of: Sequence[str] | None = None, *, after: str | None = None
    ) -> list[Row[Any]]:
        """Return claims that look dead, in the order of their quests, so that a bad row stands in nobody's way."""
        worker = workers.alias("worker")
        query = (
            select(tickets, steps.c.max_attempts, steps.c.timeout_seconds, steps.c.backoff_seconds)
            .add_columns(nobody_holds(now).label("dead"))
            .add_columns(worker.c.heartbeat_at, worker.c.steps_held, worker.c.steps_begun)
            .join(
                steps,
                and_(
                    steps.c.quest_id == tickets.c.quest_id,
                    steps.c.epoch == tickets.c.epoch,
                    steps.c.position == tickets.c.position,
                ),
            )
            .outerjoin(worker, worker.c.worker_id == tickets.c.worker_id)
            .where(
                tickets.c.namespace == self.namespace,
                in_state(TicketState.RUNNING),
                or_(nobody_holds(now), tickets.c.deadline <= now),
                *([] if workers_of is None else [tickets.c.worker_id.in_(workers_of)]),
                *([] if after is None else [tickets.c.quest_id > after]),
            )
            .order_by(tickets.c.quest_id)
            .limit(MAX_SWEEP)
        )

        def work(connection: Connection) -> list[Row[Any]]:
            # Else PostgreSQL may read all workers, of a whole day, to find a few.
            self.database.dialect.plan_by_keys(connection)
            return list(connection.execute(query))

        return self.database.read(work)

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
        if among is None and not low.look(partial(self._first, tickets.c.ring_at, waiting), now=now):
            return []
        due = and_(unheard, tickets.c.available_at <= now)
        chosen = (
            select(tickets.c.quest_id, tickets.c.branch)
            .where(waiting, due, tickets.c.ring_at >= low.mark)
            .order_by(tickets.c.ring_at, tickets.c.available_at)  # those that a broker forgot share one ring_at
            .limit(limit)
            .with_for_update(skip_locked=True)
            # A subquery could be run once per row of the UPDATE, each time with a LIMIT of its own; a CTE runs once.
            .cte("chosen")
        )
        wait = case(
            (tickets.c.dispatches < _DOUBLINGS, REDISPATCH_FIRST * literal(1).op("<<")(tickets.c.dispatches)),
            else_=REDISPATCH_LONGEST,
        )
        ring = (
            update(tickets)
            .where(
                tuple_(tickets.c.quest_id, tickets.c.branch).in_(select(chosen)), still_in_state(TicketState.READY), due
            )
            .values(ring_at=now + wait, dispatches=tickets.c.dispatches + 1)
            .returning(*BELL)
        )

        def work(connection: Connection) -> list[Doorbell]:
            # Else each of 100,000 tickets may be compared with each chosen one, for 20 s.
            self.database.dialect.plan_by_keys(connection)
            return [Doorbell(*row) for row in connection.execute(ring)]

        return self.database.write(work, at="due")

    def foremost(self, queues: Collection[str], *, each: int, now: float | None = None) -> dict[str, list[TicketKey]]:
        """Return the tickets of each queue that are due for a ring, the most urgent first, at most `each` of a queue.

        It reads all that is due: no index is ordered by priority, which would cost each step more.
        """
        now = self.database.clock.now() if now is None else now
        order = (tickets.c.priority.desc(), tickets.c.ring_at, tickets.c.available_at)
        place = func.row_number().over(partition_by=tickets.c.queue, order_by=order).label("place")
        ranked = (
            select(tickets.c.queue, tickets.c.quest_id, tickets.c.branch, place)
            .where(
                tickets.c.namespace == self.namespace,
                in_state(TicketState.READY),
                tickets.c.ring_at <= now,
                tickets.c.available_at <= now,
                tickets.c.queue.in_(queues),
            )
            .subquery()
        )
        query = select(ranked).where(ranked.c.place <= each).order_by(ranked.c.queue, ranked.c.place)
        found: defaultdict[str, list[TicketKey]] = defaultdict(list)
        for row in self.database.read(lambda connection: list(connection.execute(query))):
            found[row.queue].append((row.quest_id, row.branch))
        return found

    def rung(self, *, limit: int, after: RungBell | None = None, now: float | None = None) -> list[RungBell]:
        """Return ready tickets that were rung and wait for a worker, by the time of their next ring.

        Those that a worker left for want of their Lord are not among them: their bells were answered.

        Parameters:
          limit: at most this many.
          after: the last one of the page before.
        """
        now = self.database.clock.now() if now is None else now
        place = (tickets.c.ring_at, tickets.c.available_at, tickets.c.quest_id)
        query = (
            select(*BELL, tickets.c.ring_at)
            .where(
                tickets.c.namespace == self.namespace,
                in_state(TicketState.READY),
                tickets.c.ring_at > now,
                tickets.c.available_at <= now - ARRIVAL_SECONDS,
                tickets.c.refusals == 0,
                true() if after is None else tuple_(*place) > tuple_(*after.place),
            )
            .order_by(*place)
            .limit(limit)
        )
        rows = self.database.read(lambda connection: list(connection.execute(query)))
        return [RungBell(Doorbell(*row[:-1]), row.ring_at) for row in rows]

    def still_ready(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Return the bells of these quests whose tickets are ready now."""
        query = select(*BELL).where(
            tickets.c.namespace == self.namespace,
            tickets.c.quest_id.in_([bell.quest_id for bell in bells]),
            still_in_state(TicketState.READY),
        )
        return self.database.read(lambda connection: [Doorbell(*row) for row in connection.execute(query)])

    def bell_of(self, quest_id: str, *, handlers: list[str] | None = None, now: float | None = None) -> Doorbell | None:
        """Return the bell of a quest's ticket if that is ready and due, and its Lord among `handlers` where given."""
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
            not_(self._somebody_knows(tickets.c.handler, now)),
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
        for start in range(0, len(bells), MAX_REDISPATCH):
            ids = [bell.quest_id for bell in bells[start : start + MAX_REDISPATCH]]
            self._ring_each(now, tickets.c.quest_id.in_(ids), still_in_state(TicketState.READY))

    def ring_all(self, *, now: float | None = None) -> int:
        """Make every ready ticket due for a ring: the broker has lost its memory. Return how many there are."""
        now = self.database.clock.now() if now is None else now
        return self._ring_each(now, true(), still_in_state(TicketState.READY))  # all of them, so by their keys

    def ring_known(self, handlers: list[str], *, now: float | None = None) -> int:
        """Make tickets due that were left by workers without their Lord, now that one with it is there."""
        now = self.database.clock.now() if now is None else now
        refused = literal_column("refusals") > literal_column("0")  # as the index of the refused has it
        return self._ring_each(now, and_(refused, tickets.c.handler.in_(handlers)), in_state(TicketState.READY))

    def _ring_each(self, now: float, which: ColumnElement[bool], found: ColumnElement[bool]) -> int:
        """Make ready tickets due, of which this is true, and whose next ring is late; `found` leads to them."""
        soonest = not_before_available(now)
        late = and_(which, tickets.c.ring_at > now, tickets.c.ring_at > soonest)
        still = and_(still_in_state(TicketState.READY), late)
        change = partial(
            self._change_page, found=and_(found, late), still=still, values={"ring_at": soonest, "dispatches": 0}
        )
        return _all_pages(lambda after: self.database.write(partial(change, after=after), at="ring_at"))

    def _change_page(
        self,
        connection: Connection,
        *,
        found: ColumnElement[bool],
        still: ColumnElement[bool],
        values: dict[str, Any],
        after: str,
    ) -> tuple[int, str | None]:
        """Change a bounded number of the tickets that are found; return how many those were, and where to go on.

        Page by page each is looked at once, whatever others do to them meanwhile. One that somebody has locked is left
        out: whoever changes it rings for it, or the next look finds it; waited for, it would hold up all others.

        Parameters:
          found: leads to the tickets.
          still: is checked on each when it is locked.
          values: the change.
          after: the quest behind which to begin.
        """
        self.database.dialect.plan_by_keys(connection)
        ours, key = tickets.c.namespace == self.namespace, (tickets.c.quest_id, tickets.c.branch)
        page = select(tickets.c.quest_id).where(ours, found, tickets.c.quest_id > after)
        ids = list(connection.execute(page.order_by(tickets.c.quest_id).limit(MAX_REDISPATCH)).scalars())
        if not ids:
            return 0, None
        locked = (
            select(*key)
            .where(tickets.c.quest_id.in_(ids), ours, still)
            .order_by(*order_of_locks(self.database.dialect))
            .with_for_update(skip_locked=True)
            .cte("locked")
        )
        change = update(tickets).where(tuple_(*key).in_(select(locked)), ours, still).values(values)
        changed = changed_rows(connection, connection.execute(change))
        return changed, ids[-1] if len(ids) == MAX_REDISPATCH else None

    def refuse(
        self, quest_id: str, epoch: int, position: str, handlers: list[str], *, now: float | None = None
    ) -> bool:
        """Note that a worker left a ticket because it lacks the Lord; return whether that was the reason.

        While a worker with the Lord is alive the ticket is rung again within a second.
        """
        now = self.database.clock.now() if now is None else now
        soon = case(
            (self._somebody_knows(tickets.c.handler, now), now + 1.0),
            else_=tickets.c.ring_at,
        )
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

    def _somebody_knows(self, handler: ColumnElement[str], now: float) -> ColumnElement[bool]:
        """Return the condition that a worker with the Lord is alive."""
        alive = and_(
            workers.c.namespace == self.namespace, workers.c.state == WorkerState.LIVE, workers.c.lease_until > now
        )
        found = select(workers.c.worker_id).where(alive, _knows(handler)).order_by(workers.c.lease_until).limit(1)
        return found.scalar_subquery().is_not(None)

    def wake(self, *, now: float | None = None) -> int:
        """Move waiting tickets whose time has come to ready; return how many there were."""
        now = self.database.clock.now() if now is None else now
        due = tickets.c.available_at <= now
        waiting = and_(tickets.c.namespace == self.namespace, in_state(TicketState.WAITING), due)
        low = self._waiting_from
        if not low.look(partial(self._first, tickets.c.available_at, waiting), now=now):
            return 0
        found = and_(in_state(TicketState.WAITING), due, tickets.c.available_at >= low.mark)
        values = {"state": TicketState.READY, "fence": tickets.c.fence + 1, "ring_at": now}
        still = and_(still_in_state(TicketState.WAITING), due)
        change = partial(self._change_page, found=found, still=still, values=values)
        return _all_pages(lambda after: self.database.write(partial(change, after=after), at="wake"))

    def _first(self, moment: ColumnElement[float], which: ColumnElement[bool], since: float) -> float | None:
        """Return the least `moment`, not before `since`, of the rows of which this is true.

        Asked for any such row, PostgreSQL thinks to come across one soon, and reads all where there is none.
        """
        query = select(moment).where(which, moment >= since).order_by(moment).limit(1)
        return self.database.read(lambda connection: connection.execute(query).scalar())


def _all_pages(change: Callable[[str], tuple[int, str | None]]) -> int:
    """Change page after page; return how many rows that changed."""
    total, after = 0, ""
    while True:
        changed, last = change(after)
        total += changed
        if last is None:
            return total
        after = last


def _knows(handler: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a worker's list of handlers, which is JSON text, holds `handler`.

    LIKE would take the `_` of a name for any character.
    """
    quoted = literal('"').concat(handler).concat('"')
    return func.replace(workers.c.handlers, quoted, "") != workers.c.handlers
