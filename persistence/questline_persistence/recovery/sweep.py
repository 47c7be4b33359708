"""Finds workers whose lease is over, and frees the claims that they leave behind, or whose own time is over.

Any number of processes may sweep at once: each change is one guarded transition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select, update

from questline_persistence.claims import Doorbell
from questline_persistence.failpoints import failpoint
from questline_persistence.recovery.freeing import Freeing
from questline_persistence.recovery.low_water import MARGIN_SECONDS, WholeLooks, first_moment
from questline_persistence.recovery.worker_conditions import nobody_holds, steps_at_end
from questline_persistence.schema import in_state, steps, tickets, workers
from questline_persistence.states import ExecutionStatus, TicketState, WorkerState
from questline_persistence.store import Database
from questline_persistence.suspicion import MAX_LOST

#: Most dead claims freed in one transaction.
MAX_SWEEP = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did.

    Parameters:
      lost_workers: the workers that it declared lost.
      freed: how many claims it ended.
      failed: how many quests failed with them.
      doorbells: the bells to ring for steps that may run again at once.
      more: whether it stopped before it was through.
    """

    lost_workers: tuple[str, ...] = ()
    freed: int = 0
    failed: int = 0
    doorbells: tuple[Doorbell, ...] = ()
    more: bool = False


class Sweep:
    """Takes steps away from workers that are lost, and from attempts whose time is over, in one namespace.

    It remembers how far it has looked; whoever sweeps again and again keeps one. Each of its methods raises
    `StoreUnavailable` where the store does not answer.

    Parameters:
      database: the store.
      namespace: the tenant.
      max_lost: how many workers a step may kill, alone in each, before its quest fails.
    """

    def __init__(self, database: Database, namespace: str, *, max_lost: int = MAX_LOST) -> None:
        self.database = database
        self.namespace = namespace
        self._freeing = Freeing(database, max_lost)
        self._whole_looks = WholeLooks()
        self._looked_at_all = 0.0

    def run(self, *, workers_of: Sequence[str] | None = None, now: float | None = None) -> Swept:
        """Move all tickets from running to ready (held, failed) whose worker's lease or own deadline is over.

        Parameters:
          workers_of: look at these workers only, which are known to be lost; None looks for lost ones itself.
          now: the time of the sweep, in epoch seconds; None asks the database.

        Returns:
          What was done, in all batches together.
        """
        now = self.database.clock.now() if now is None else now
        lost = self.declare_lost(now) if workers_of is None and self.lease_over(now) else ()
        parts = [*self.free_dead(now, workers_of=workers_of, whole=True)]
        bells = tuple(bell for part in parts for bell in part.doorbells)
        return Swept(lost, sum(part.freed for part in parts), sum(part.failed for part in parts), bells)

    def lease_over(self, now: float) -> bool:
        """Return whether the lease of a live worker is over."""
        return first_moment(self.database, workers.c.lease_until, self._over(now), 0.0) is not None

    def declare_lost(self, now: float) -> tuple[str, ...]:
        """Move workers from live to lost whose lease is over; return their ids.

        One whose row somebody has locked, such as by its own heartbeat, is left for a later sweep.
        """
        over = self._over(now)
        free = select(workers.c.worker_id).where(over).with_for_update(skip_locked=True)
        lost = update(workers).values(state=WorkerState.LOST, ended_at=now, **steps_at_end())

        def work(connection: Connection) -> tuple[str, ...]:
            mine = workers.c.worker_id.in_(connection.execute(free).scalars().all())
            return tuple(connection.execute(lost.where(mine, over).returning(workers.c.worker_id)).scalars())

        return self.database.write(work, at="sweep_lost")

    def free_dead(self, now: float, *, workers_of: Sequence[str] | None = None, whole: bool = False) -> Iterator[Swept]:
        """Move tickets from running to ready (held, failed), batch by batch, until each that looked dead was tried.

        It yields what was done in each batch, as soon as that is committed.

        Parameters:
          now: the time of the sweep, in epoch seconds.
          workers_of: look at the claims of these workers only.
          whole: look at all claims, though that may take long; else, where it does, those of workers that have ended
            since the last whole look are freed now, and those whose time is over some seconds later.
        """
        if workers_of is None and not whole:
            workers_of, found = self._look(now)
        else:
            found = self._candidates(now, workers_of)
        while found:
            failpoint("sweep.found")
            freed = self._freeing.free(found, now)
            bells = tuple(each.doorbell for each in freed if each.doorbell and each.doorbell.available_at <= now)
            yield Swept((), len(freed), sum(each.status is ExecutionStatus.FAILED for each in freed), bells)
            full = len(found) == MAX_SWEEP
            found = self._candidates(now, workers_of, after=found[-1].quest_id) if full else []

    def _look(self, now: float) -> tuple[list[str] | None, list[Row[Any]]]:
        """Look at all claims if it is time to; else at those of workers that have ended since that was last done.

        Returns:
          Whose claims were looked at, None being everybody's, and the first batch of those that look dead.
        """
        with self._whole_looks.turn() as whole:
            if whole:
                self._looked_at_all = now
                return None, self._candidates(now)
            ended = self._ended_since(self._looked_at_all - MARGIN_SECONDS)
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
        query = (
            _claims(now)
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


def _claims(now: float) -> Select[Any]:
    """Return a query for tickets with all that decides how their claims end."""
    worker = workers.alias("worker")
    step = and_(
        steps.c.quest_id == tickets.c.quest_id,
        steps.c.epoch == tickets.c.epoch,
        steps.c.position == tickets.c.position,
    )
    return (
        select(tickets, steps.c.max_attempts, steps.c.timeout_seconds, steps.c.backoff_seconds)
        .add_columns(nobody_holds(now).label("dead"))
        .add_columns(worker.c.heartbeat_at, worker.c.steps_held, worker.c.steps_begun)
        .join(steps, step)
        .outerjoin(worker, worker.c.worker_id == tickets.c.worker_id)
    )
