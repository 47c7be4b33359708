"""The verbs of an admin: pause, resume, cancel, retry, replay, fork, delete.

Each is one transaction that first locks the quest's tickets (by position) and then the quest's row, the
order that every writer keeps; what it then decides cannot change under it, and a worker's claim or
checkpoint either came before or finds its guard gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection, Row, delete, insert, select, update

from questline_persistence import history
from questline_persistence.claims import REDISPATCH_FIRST, Doorbell
from questline_persistence.clock import rfc3339
from questline_persistence.corrections import Correction, corrected
from questline_persistence.database import Database
from questline_persistence.endings import UNCLAIMED, settle_pause
from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_persistence.models import QuestExecutionData
from questline_persistence.payload import MAX_STATE_DEPTH, decode, encode
from questline_persistence.starting_point import StartingPoint, resolve
from questline_persistence.states import (
    LIVE,
    TRANSITIONS,
    ExecutionStatus,
    SnapshotReason,
    TicketState,
)
from questline_persistence.submission import Rows, Submitted, submit_one, take_apart
from questline_persistence.tables import quests, runs, snapshots, steps, tickets

T = TypeVar("T")

#: How often to look again when a quest gains a ticket between the two locks.
MAX_LOCK_TRIES = 10
#: Largest state that a replay or fork may start from, in bytes of JSON.
MAX_STATE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Controlled:
    """What a verb did: the quest's status now, whether that changed, and what to ring."""

    quest_id: str
    status: ExecutionStatus
    changed: bool
    doorbells: tuple[Doorbell, ...] = ()
    notice: str | None = None
    epoch: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class _Locked:
    """A quest's rows, locked."""

    quest: Row[Any]
    tickets: list[Row[Any]]

    @property
    def status(self) -> ExecutionStatus:
        return ExecutionStatus(self.quest.status)

    @property
    def version(self) -> int:
        return max(int(row.version) for row in (self.quest, *self.tickets))

    @property
    def fence(self) -> int:
        return max(int(row.fence) for row in (self.quest, *self.tickets))

    @property
    def running(self) -> bool:
        return any(ticket.state == TicketState.RUNNING for ticket in self.tickets)


class Controls:
    """Carries out an admin's verbs on the quests of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant whose quests may be touched.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def pause(self, quest_id: str, reason: str | None = None) -> Controlled:
        """Move a live quest to paused, or to pausing while a step of it runs.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: it has ended already.
        """

        def work(connection: Connection) -> Controlled:
            locked = self._lock(connection, quest_id)
            if locked.status in {ExecutionStatus.PAUSING, ExecutionStatus.PAUSED}:
                return _unchanged(locked)
            _require("pause", locked)
            return self._pause(connection, locked, reason)

        return self.database.write(_truthful(work), at="pause")

    def _pause(self, connection: Connection, locked: _Locked, reason: str | None) -> Controlled:
        now, quest_id = self.database.clock.now(), locked.quest.quest_id
        connection.execute(update(tickets).where(tickets.c.quest_id == quest_id).values(pause_requested=1))
        connection.execute(
            update(tickets)
            .where(tickets.c.quest_id == quest_id, tickets.c.state.in_([TicketState.READY, TicketState.WAITING]))
            .values(state=TicketState.HELD, fence=tickets.c.fence + 1)
        )
        self._change(connection, quest_id, status=ExecutionStatus.PAUSING, reason=reason)
        if locked.running:
            return _controlled(locked, ExecutionStatus.PAUSING)
        first, version = locked.tickets[0], locked.version + 1
        settle_pause(connection, quest_id, first.epoch, first.position, version=version, now=now)
        connection.execute(update(tickets).where(tickets.c.quest_id == quest_id).values(version=version))
        return _controlled(locked, ExecutionStatus.PAUSED, version=version)

    def resume(self, quest_id: str) -> Controlled:
        """Move a paused or pausing quest back to running; its held tickets become ready.

        A live quest that was only saved, and so has no ticket, gets its first one.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: it is not paused.
        """

        def work(connection: Connection) -> Controlled:
            locked = self._lock(connection, quest_id)
            if locked.status in LIVE and not locked.tickets:
                return self._adopt(connection, locked)
            _require("resume", locked)
            now = self.database.clock.now()
            mine = tickets.c.quest_id == quest_id
            connection.execute(update(tickets).where(mine).values(pause_requested=0))
            ready = connection.execute(
                update(tickets)
                .where(mine, tickets.c.state == TicketState.HELD)
                .values(
                    state=TicketState.READY, fence=tickets.c.fence + 1, ring_at=now + REDISPATCH_FIRST, dispatches=0
                )
                .returning(*_BELL)
            )
            bells = tuple(Doorbell(*row) for row in ready)
            status = ExecutionStatus.NEW if locked.quest.start_time is None else ExecutionStatus.RUNNING
            self._change(connection, quest_id, status=status, reason=None)
            return _controlled(locked, status, bells)

        return self.database.write(_truthful(work), at="resume")

    def _adopt(self, connection: Connection, locked: _Locked) -> Controlled:
        """Hand a saved quest to the workers, at the step where its program left it."""
        newest = history.snapshot_row(connection, locked.quest.quest_id)
        if newest.position is None:
            raise QuestConflict(f"nothing remains to be run of quest {locked.quest.quest_id}")
        bell = self._ticket(connection, locked, newest.epoch, newest.position, locked.version)
        status = ExecutionStatus.NEW if locked.quest.start_time is None else ExecutionStatus.RUNNING
        self._change(connection, locked.quest.quest_id, status=status, reason=None)
        return _controlled(locked, status, (bell,))

    def cancel(self, quest_id: str, reason: str | None = None) -> Controlled:
        """Stop a live quest for good: its tickets go, so that no running step can commit.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: it has ended already.
        """

        def work(connection: Connection) -> Controlled:
            locked = self._lock(connection, quest_id)
            if locked.status is ExecutionStatus.CANCELLED:
                return _unchanged(locked)
            _require("cancel", locked)
            now = self.database.clock.now()
            connection.execute(delete(tickets).where(tickets.c.quest_id == quest_id))
            self._change(
                connection,
                quest_id,
                status=ExecutionStatus.CANCELLED,
                reason=reason,
                end_time=now,
                duration_seconds=now - quests.c.start_time,
                version=locked.version,
                fence=locked.fence + 1,
            )
            return _controlled(locked, ExecutionStatus.CANCELLED)

        return self.database.write(_truthful(work), at="cancel")

    def retry(self, quest_id: str) -> Controlled:
        """Move a failed quest back to running: the failed step again, with all of its attempts.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: it has not failed.
        """

        def work(connection: Connection) -> Controlled:
            locked = self._lock(connection, quest_id)
            _require("retry", locked)
            position = history.snapshot_row(connection, quest_id).position
            if position is None:
                raise QuestConflict(f"nothing remains to be run of quest {quest_id}", hint=_HINTS["retry"])
            bell = self._ticket(connection, locked, locked.quest.epoch, position, locked.version)
            self._change(
                connection, quest_id, status=ExecutionStatus.RUNNING, error=None, end_time=None, duration_seconds=None
            )
            return _controlled(locked, ExecutionStatus.RUNNING, (bell,))

        return self.database.write(work, at="retry", repeatable=False)

    def replay(
        self,
        quest_id: str,
        start: StartingPoint,
        correction: Correction,
        *,
        seen: int | None = None,
        dry_run: bool = False,
    ) -> Controlled:
        """Take a quest back to an earlier snapshot, under the next epoch, and let it run from there.

        Parameters:
          start: where to start from.
          correction: what to change in the input or in earlier outputs, in the same transaction.
          seen: the version the caller has seen; if the quest has moved on since, nothing is done.
          dry_run: change nothing, only say what would be done.

        Raises:
          QuestNotFound: there is no such quest, snapshot or step.
          QuestConflict: the step has not been reached yet, nothing remains to be run, or `seen` is over.
        """

        def work(connection: Connection) -> Controlled:
            locked = self._lock(connection, quest_id)
            if seen is not None and seen != locked.version:
                raise QuestConflict(f"quest {quest_id} is at version {locked.version}, not {seen}", hint="look again")
            point = resolve(connection, quest_id, locked.quest.epoch, locked.version, start)
            state = corrected(history.state_at(connection, quest_id, point.version), correction)
            if state.position is None:
                raise QuestConflict(f"nothing remains to be run after v{state.version} of quest {quest_id}")
            done = _controlled(
                locked,
                ExecutionStatus.RUNNING,
                notice=point.notice,
                epoch=locked.quest.epoch + 1,
                version=locked.version + 1,
            )
            if dry_run:
                return replace(done, changed=False)
            return replace(done, doorbells=(self._replay(connection, locked, state, done),))

        return self.database.write(work, at="replay", repeatable=False)

    def _replay(self, connection: Connection, locked: _Locked, state: history.State, done: Controlled) -> Doorbell:
        quest_id = locked.quest.quest_id
        changed = state.input_json != locked.quest.input_data
        plan = copied_plan(connection, quest_id, state, to=quest_id, epoch=done.epoch)
        connection.execute(insert(steps), plan)
        connection.execute(
            insert(snapshots).values(
                quest_id=quest_id,
                version=done.version,
                epoch=done.epoch,
                position=state.position,
                run_data=encode(state.run_data, what="run_data", limit=MAX_STATE_BYTES, depth=MAX_STATE_DEPTH),
                input_data=state.input_json,
                parent_version=state.version,
                snapshot_reason=SnapshotReason.REPLAY,
                created_at=rfc3339(self.database.clock.now()),
            )
        )
        new_input = {
            "input_data": state.input_json,
            "submitted_input": locked.quest.submitted_input or locked.quest.input_data,
        }
        connection.execute(delete(tickets).where(tickets.c.quest_id == quest_id))
        bell = self._ticket(connection, locked, done.epoch, str(state.position), done.version)
        self._change(
            connection,
            quest_id,
            status=ExecutionStatus.RUNNING,
            epoch=done.epoch,
            output_data=None,
            error=None,
            reason=None,
            start_time=self.database.clock.now(),
            end_time=None,
            duration_seconds=None,
            **(new_input if changed else {}),
        )
        return bell

    def fork(
        self, quest_id: str, start: StartingPoint, correction: Correction, *, new_id: str, dry_run: bool = False
    ) -> tuple[Submitted, str | None]:
        """Create a new quest from a snapshot of another; return it, and a notice about the start if any.

        Raises:
          QuestNotFound: there is no such quest, snapshot or step.
          QuestConflict: nothing remains to be run there, or `new_id` exists.
        """
        now = self.database.clock.now()

        def work(connection: Connection) -> tuple[Submitted, str | None]:
            locked = self._lock(connection, quest_id)
            point = resolve(connection, quest_id, locked.quest.epoch, locked.version, start)
            state = corrected(history.state_at(connection, quest_id, point.version), correction)
            if state.position is None:
                raise QuestConflict(f"nothing remains to be run after v{state.version} of quest {quest_id}")
            plan = copied_plan(connection, quest_id, state, to=new_id, epoch=0)
            rows = replace(self._forked(locked.quest, state, new_id, now), steps=plan)
            if dry_run:
                return Submitted(new_id, created=False), point.notice
            return submit_one(connection, rows), point.notice

        return self.database.write(work, at="fork")

    def _forked(self, source: Row[Any], state: history.State, new_id: str, now: float) -> Rows:
        """Return the rows of a quest that starts where `state` stands, but for its plan, which is the source's."""
        try:
            quest = QuestExecutionData(
                quest_id=new_id,
                quest_type=source.quest_type,
                input_data=decode(state.input_json),
                execution_stack=state.stack,
                labels=source.labels,
                queue=source.queue,
                priority=source.priority,
                forked_from=f"{source.quest_id}@v{state.version}",
            )
        except ValidationError:  # all else was stored by ourselves
            raise PayloadError(f"{new_id!r} is not an id for a quest", hint="use letters, digits and _ . -") from None
        rows = take_apart(quest, namespace=self.namespace, now=now)
        base = {
            "run_data": encode(state.run_data, what="run_data", limit=MAX_STATE_BYTES, depth=MAX_STATE_DEPTH),
            "position": state.position,
        }
        return replace(rows, snapshot=rows.snapshot | base, ticket=rows.ticket | {"position": state.position})

    def delete(self, quest_id: str) -> bool:
        """Remove a quest that has no ticket, with all that belongs to it; return whether it was there.

        Raises:
          QuestConflict: the quest is live.
        """

        def work(connection: Connection) -> bool:
            try:
                locked = self._lock(connection, quest_id)
            except QuestNotFound:
                return False
            if locked.tickets:
                raise QuestConflict(f"quest {quest_id} is {locked.status}", hint=f"run: questline cancel {quest_id}")
            for table in (runs, snapshots, steps, quests):
                connection.execute(delete(table).where(table.c.quest_id == quest_id))
            return True

        return self.database.write(_truthful(work), at="delete")

    def _lock(self, connection: Connection, quest_id: str) -> _Locked:
        """Lock a quest's tickets by position, then its row."""
        mine = (tickets.c.quest_id == quest_id, tickets.c.namespace == self.namespace)
        for _ in range(MAX_LOCK_TRIES):
            held = list(connection.execute(select(tickets).where(*mine).order_by(tickets.c.position).with_for_update()))
            quest = connection.execute(
                select(quests)
                .where(quests.c.quest_id == quest_id, quests.c.namespace == self.namespace)
                .with_for_update()
            ).first()
            if quest is None:
                raise QuestNotFound(f"there is no quest {quest_id}", hint="run: questline list")
            # A quest that looked ended may have been retried or replayed before its row was locked.
            if held or not connection.execute(select(tickets.c.quest_id).where(*mine).limit(1)).first():
                return _Locked(quest, held)
        raise QuestConflict(f"quest {quest_id} keeps changing", hint="try again")

    def _ticket(self, connection: Connection, locked: _Locked, epoch: int, position: str, version: int) -> Doorbell:
        """Insert the one ticket of a quest that is to run from `position`."""
        now = self.database.clock.now()
        step = connection.execute(
            select(steps.c.lord_name, steps.c.tool_name, steps.c.queue).where(
                steps.c.quest_id == locked.quest.quest_id, steps.c.epoch == epoch, steps.c.position == position
            )
        ).one()
        row = connection.execute(
            insert(tickets)
            .values(
                quest_id=locked.quest.quest_id,
                branch=0,
                namespace=self.namespace,
                position=position,
                epoch=epoch,
                handler=f"{step.lord_name}:{step.tool_name}",
                state=TicketState.READY,
                **UNCLAIMED,
                fence=locked.fence + 1,
                version=version,
                available_at=now,
                ring_at=now + REDISPATCH_FIRST,
                queue=step.queue,
                priority=locked.quest.priority,
            )
            .returning(*_BELL)
        ).one()
        return Doorbell(*row)

    def _change(self, connection: Connection, quest_id: str, **values: Any) -> None:
        stamp = rfc3339(self.database.clock.now())
        connection.execute(update(quests).where(quests.c.quest_id == quest_id).values(**values, updated_at=stamp))


_BELL = (
    tickets.c.quest_id,
    tickets.c.epoch,
    tickets.c.position,
    tickets.c.fence,
    tickets.c.queue,
    tickets.c.priority,
    tickets.c.available_at,
)


def copied_plan(
    connection: Connection, quest_id: str, state: history.State, *, to: str, epoch: int
) -> list[dict[str, Any]]:
    """Return a quest's plan, as it was at `state`, as rows of another epoch or quest."""
    copied: Mapping[str, Any] = {"quest_id": to, "epoch": epoch, "since_version": 0}
    rows = history.plan(connection, quest_id, state.epoch, version=state.version)
    return [{**row._mapping, **copied} for row in rows]  # noqa: SLF001  (SQLAlchemy's public name)


def _truthful(work: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """Return `work` for a transaction that may be tried again although its COMMIT, whose reply was lost, went through.

    The second try then finds nothing left to do, and the answer is that of the first.
    """
    first: list[T] = []

    def tried(connection: Connection) -> T:
        if not first:
            first.append(work(connection))
            return first[0]
        with suppress(QuestConflict):
            work(connection)
        return first[0]

    return tried


def _require(verb: str, locked: _Locked) -> None:
    """Raise unless `verb` may be applied to the quest's present status."""
    if locked.status in TRANSITIONS[verb].sources and (locked.tickets or locked.status not in LIVE):
        return
    if locked.status in LIVE and not locked.tickets:
        message = f"quest {locked.quest.quest_id} was only saved: no worker has it yet"
        raise QuestConflict(message, hint=f"hand it to the workers first: questline resume {locked.quest.quest_id}")
    allowed = ", ".join(sorted(TRANSITIONS[verb].sources))
    message = f"quest {locked.quest.quest_id} is {locked.status}; {verb} needs it to be one of: {allowed}"
    raise QuestConflict(message, hint=_HINTS.get(verb))


_HINTS = {
    "pause": "an ended quest can be replayed: questline replay ID",
    "resume": "only a paused quest can be resumed; a failed one is retried, an ended one replayed",
    "retry": "only a failed quest can be retried; any other can be replayed: questline replay ID",
    "cancel": "it has ended already",
}


def _controlled(
    locked: _Locked,
    status: ExecutionStatus,
    doorbells: tuple[Doorbell, ...] = (),
    *,
    notice: str | None = None,
    epoch: int | None = None,
    version: int | None = None,
) -> Controlled:
    return Controlled(
        quest_id=locked.quest.quest_id,
        status=status,
        changed=True,
        doorbells=doorbells,
        notice=notice,
        epoch=locked.quest.epoch if epoch is None else epoch,
        version=locked.version if version is None else version,
    )


def _unchanged(locked: _Locked) -> Controlled:
    return replace(_controlled(locked, locked.status), changed=False)
