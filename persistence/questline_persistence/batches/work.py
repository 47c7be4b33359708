"""How a batch is carried out: taken up by one process at a time, and noted quest by quest.

Safety does not depend on the lease. Whoever does a verb notes it in the same transaction, by one guarded update of the
batch's row: only if it still has the batch, if that was not aborted, and if the batch has not come to this quest
before. Otherwise the verb is taken back with it. The batch's row is locked after the quest's, and by nobody who then
waits for a quest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, literal, or_, select, tuple_, update

from questline_persistence.batches.batch import Batch, BatchOutcome
from questline_persistence.batches.meant import OLDEST_FIRST, behind, conditions
from questline_persistence.batches.order import MAX_QUESTS
from questline_persistence.clock import rfc3339
from questline_persistence.ids import new_claim_id
from questline_persistence.schema import batch_results, batches, opened
from questline_persistence.states import BatchState
from questline_persistence.store import Database

#: For how long nobody else takes up a batch after each of its quests, in seconds.
LEASE_SECONDS = 30.0
#: Most quests that are looked for at once.
MAX_LOOKED = 100
#: Longest message that is kept of a quest that was refused, in characters.
MAX_MESSAGE = 1_000
#: How long a batch is kept after its end, in seconds: 30 days.
KEPT_SECONDS = 30 * 86_400.0
#: Most results that one transaction removes.
MAX_FORGOTTEN = 1_000

_OPEN = batches.c.state.in_([BatchState.NEW, BatchState.RUNNING])
_ENDED = batches.c.state.in_([BatchState.DONE, BatchState.ABORTED])


class LeftBatch(Exception):
    """Takes a verb back whose batch is not this process's any more, or that was done before."""


@dataclass(frozen=True, slots=True)
class Place:
    """A quest in the order of a batch.

    Parameters:
      made_at: when it was made.
      quest_id: its id.
    """

    made_at: str
    quest_id: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that this process has.

    Parameters:
      batch: the batch, as it was when it was taken.
      reached: the quest that it has come to.
      claim_id: the hold on it.
    """

    batch: Batch
    reached: Place
    claim_id: str

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Return what a row tells that was just taken.

        Parameters:
          row: all columns of the table.
        """
        return cls(Batch.of(row), Place(row.reached_at, row.reached_id), row.claim_id)


class BatchWork:
    """Carries batches of one namespace forward; any number of processes may, and each keeps one of these.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace
        self._claim_id = new_claim_id()

    def take(self, *, now: float | None = None) -> Taken | None:
        """Move the open batch that waited longest to running, as this process's own; return it, or None.

        Parameters:
          now: the time, in epoch seconds; None asks the database.
        """
        now = self.database.clock.now() if now is None else now
        free = self._free(now)
        # Most looks find nothing, and are to cost no write.
        if not self.database.read(lambda connection: connection.execute(free.limit(1)).first()):
            return None
        longest = free.order_by(batches.c.lease_until, batches.c.created_at).limit(1).with_for_update(skip_locked=True)
        begun = {"state": BatchState.RUNNING, "started_time": func.coalesce(batches.c.started_time, now)}
        hold: dict[str, Any] = {"claim_id": self._claim_id, "lease_until": now + LEASE_SECONDS}

        def work(connection: Connection) -> Taken | None:
            locked = batches.c.batch_id == connection.execute(longest).scalar()
            taking = update(batches).where(locked, _OPEN, self._mine_or_free(now)).values(**begun, **hold)
            row = connection.execute(taking.returning(batches)).first()
            return None if row is None else Taken.of(opened(connection, batches, row))

        return self.database.write(work, at="save")

    def following(self, taken: Taken, reached: Place) -> list[Place]:
        """Return the next quests that a batch means, at most 100.

        Parameters:
          taken: the batch.
          reached: those behind this one.
        """

        def work(connection: Connection) -> list[Place]:
            own = (connection, self.namespace, taken.batch.order.chosen)
            meant = conditions(*own, until=taken.batch.created_at)
            query = select(*OLDEST_FIRST).where(*meant, behind((reached.made_at, reached.quest_id)))
            rows = connection.execute(query.order_by(*OLDEST_FIRST).limit(MAX_LOOKED))
            return [Place(*row) for row in rows]

        return self.database.read(work)

    def note(
        self,
        connection: Connection,
        taken: Taken,
        place: Place,
        outcome: BatchOutcome,
        *,
        code: str | None = None,
        message: str | None = None,
    ) -> None:
        """Note what came of a quest; a second time is refused, with all else that its transaction does.

        Parameters:
          connection: that of the transaction which does the verb, or of one that follows it.
          taken: the batch.
          place: the quest.
          outcome: what came of the verb.
          code: of an error: its code.
          message: of an error: its message.

        Raises:
          LeftBatch: the batch was aborted, somebody else has it, or it has come to this quest before.
        """
        now, counted = self.database.clock.now(), batches.c[outcome.value]
        reached = tuple_(batches.c.reached_at, batches.c.reached_id)
        here = tuple_(literal(place.made_at), literal(place.quest_id))
        moving = update(batches).where(*self._holding(taken), batches.c.done < MAX_QUESTS, reached < here)
        moved: dict[str, Any] = {"reached_at": place.made_at, "reached_id": place.quest_id}
        moved |= {"done": batches.c.done + 1, outcome.value: counted + 1, "lease_until": now + LEASE_SECONDS}
        number = connection.execute(moving.values(moved).returning(batches.c.done)).scalar()
        if number is None:
            raise LeftBatch(taken.batch.batch_id)
        told = {"code": code, "message": message and message[:MAX_MESSAGE], "at": rfc3339(now)}
        row = {"batch_id": taken.batch.batch_id, "number": number, "quest_id": place.quest_id, "outcome": outcome}
        connection.execute(insert(batch_results).values(**row, **told))

    def note_error(self, taken: Taken, place: Place, outcome: BatchOutcome, *, code: str, message: str) -> None:
        """Note that a quest was refused, or failed, when nothing of the verb was done.

        Parameters:
          taken: the batch.
          place: the quest.
          outcome: "refused" or "failed".
          code: the error's code.
          message: the error's message.

        Raises:
          LeftBatch: the batch was aborted, or somebody else has it.
        """
        told = {"code": code, "message": message}
        self.database.write(lambda connection: self.note(connection, taken, place, outcome, **told), at="save")

    def end(self, taken: Taken) -> bool:
        """Move a running batch to done; return whether it was still this process's.

        Parameters:
          taken: the batch.
        """
        now = self.database.clock.now()
        ending = update(batches).where(*self._holding(taken))
        ended = {"state": BatchState.DONE, "ended_time": now, "claim_id": None}
        return self._changed(ending.values(**ended))

    def let_go(self, taken: Taken) -> bool:
        """Let go of a running batch, so that whoever comes next goes on with it behind those that wait.

        Parameters:
          taken: the batch.
        """
        return self._changed(update(batches).where(*self._holding(taken)).values(claim_id=None))

    def forget(self, *, now: float | None = None) -> int:
        """Remove batches that ended more than 30 days ago, with their results; return how many rows, at most 1,001.

        Parameters:
          now: the time, in epoch seconds; None asks the database.
        """
        before = (self.database.clock.now() if now is None else now) - KEPT_SECONDS
        old = (batches.c.namespace == self.namespace, _ENDED, batches.c.ended_time < before)
        oldest = select(batches.c.batch_id).where(*old).order_by(batches.c.created_at).limit(1)

        def work(connection: Connection) -> int:
            batch_id = connection.execute(oldest.with_for_update(skip_locked=True)).scalar()
            results = select(batch_results.c.number).where(batch_results.c.batch_id == batch_id).limit(MAX_FORGOTTEN)
            which = (batch_results.c.batch_id == batch_id, batch_results.c.number.in_(results))
            gone = connection.execute(delete(batch_results).where(*which)).rowcount if batch_id else 0
            if batch_id and gone < MAX_FORGOTTEN:
                gone += connection.execute(delete(batches).where(batches.c.batch_id == batch_id)).rowcount
            return gone

        if not self.database.read(lambda connection: connection.execute(oldest).first()):
            return 0
        return self.database.write(work, at="forget")

    def _free(self, now: float) -> Any:
        return select(batches.c.batch_id).where(batches.c.namespace == self.namespace, _OPEN, self._mine_or_free(now))

    def _mine_or_free(self, now: float) -> ColumnElement[bool]:
        held = batches.c.claim_id
        return or_(held.is_(None), held == self._claim_id, batches.c.lease_until < now)

    def _holding(self, taken: Taken) -> Sequence[ColumnElement[bool]]:
        """Return the condition that this process has a batch; whoever ends one takes it away, so that it runs, too."""
        return batches.c.batch_id == taken.batch.batch_id, batches.c.claim_id == taken.claim_id

    def _changed(self, statement: Any) -> bool:
        return self.database.write(lambda connection: connection.execute(statement).rowcount > 0, at="save")
