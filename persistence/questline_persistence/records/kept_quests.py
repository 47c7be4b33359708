"""Quests that a program keeps by itself: how their rows, their runs and their snapshots are written.

Workers never come this way, and a quest that they hold (one with a ticket) is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, insert, select, update

from questline_persistence.arguments import Moment, mapping, moment, several, text, text_or_none, whole, wrong_type
from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError, QuestConflict, suggestion
from questline_persistence.ids import is_possible, not_found
from questline_persistence.journal import after_deleted, error_text, history, insert_quests, prepare_quest
from questline_persistence.models import LordStep, QuestExecutionData, as_step, refuse_labels
from questline_persistence.payload import encode, refuse_halves, whole_state
from questline_persistence.plan import highest, stack_text
from questline_persistence.records.kept_state import KeptState, NewVersion, new_version
from questline_persistence.run_data import numbers
from questline_persistence.schema import opened, quests, runs, sealed, snapshots, tickets
from questline_persistence.states import ExecutionStatus, RunStatus, SnapshotReason
from questline_persistence.step_names import StepName
from questline_persistence.store import Database

Word = TypeVar("Word", bound=StrEnum)

_SNAPSHOT_REASONS = {
    ExecutionStatus.PAUSED: SnapshotReason.PAUSE,
    ExecutionStatus.FAILED: SnapshotReason.ERROR,
    ExecutionStatus.COMPLETED: SnapshotReason.COMPLETED,
}
_QUEST_HINT = "make it with Quest(…); QuestClient.submit takes an object as in a quest file, too"
_RUN_DATA_HINT = 'it maps Lords to their outputs, as in {"architect": {"modules": []}}'


class KeptQuests:
    """Writes the quests of one namespace that no worker holds.

    Parameters:
      database: the store; its limits say how large what is written may be.
      namespace: the tenant.

    Parameters of its methods:
      quest_id: the quest's id.

    Raised by its methods:
      QuestConflict: workers hold the quest: they alone write its rows.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def save(self, quest: QuestExecutionData) -> None:
        """Insert a quest, or bring the stored one to the state of `quest`, with a snapshot of it.

        Parameters:
          quest: the quest, with everything that the store is to keep of it.

        Raises:
          QuestConflict: its id is used in another namespace.
          PayloadError: it is not JSON, too large, or has never had a step.
        """
        if not isinstance(quest, QuestExecutionData):
            raise wrong_type(quest, "quest_data", "a Quest", _QUEST_HINT)
        mapping(quest.run_data, "run_data", _RUN_DATA_HINT)
        self.database.write(partial(self._save, quest=quest), at="save", repeatable=False)

    def _save(self, connection: Connection, *, quest: QuestExecutionData) -> None:
        now, limits = self.database.clock.now(), self.database.limits
        row = self._lock(connection, quest.quest_id)
        if row is None:
            self._insert(connection, quest, now)
            return
        _refuse_held(connection, quest.quest_id)
        input_json = encode(quest.input_data, what="input_data", limit=limits.input)
        state = KeptState(quest.run_data, quest.execution_stack, input_json, limits)
        version = new_version(connection, row, state)
        stamp, reason = rfc3339(now), _SNAPSHOT_REASONS.get(quest.status, SnapshotReason.CHECKPOINT)
        _insert_snapshot(connection, row.quest_id, version, state, snapshot_reason=reason, created_at=stamp)
        if input_json != row.input_data:
            _keep_input(connection, row)
        self._update(connection, quest, version=version.version, epoch=version.epoch, updated_at=stamp)

    def _lock(self, connection: Connection, quest_id: str) -> Row[Any] | None:
        """Lock the quest's row, so that no verb makes a ticket for it before the caller has written; return it."""
        if not is_possible(quest_id):
            return None
        mine = (quests.c.quest_id == quest_id, quests.c.namespace == self.namespace)
        row = connection.execute(select(quests).where(*mine).with_for_update()).first()
        return None if row is None else opened(connection, quests, row)

    def _lock_kept(self, connection: Connection, quest_id: str) -> Row[Any]:
        """Lock the row of a quest that is there, and that no worker holds; return it."""
        row = self._lock(connection, quest_id)
        if row is None:
            raise not_found(quest_id)
        _refuse_held(connection, quest_id)
        return row

    def _insert(self, connection: Connection, quest: QuestExecutionData, now: float) -> None:
        """Insert a quest that workers do not hold: it has no ticket."""
        stamp, limits = rfc3339(now), self.database.limits
        new = prepare_quest(quest, namespace=self.namespace, now=now, limits=limits, codec=self.database.codec)
        plan = new.plan.numbered_after(highest(numbers(quest.run_data)))
        new = new._replace(plan=plan, run_data=whole_state(quest.run_data, limit=limits.state))
        (new,) = after_deleted(connection, [new])
        if not insert_quests(connection, [new], tickets_too=False):
            key = quest.idempotency_key
            which = quest.quest_id if key is None else f"{quest.quest_id}, or one of its idempotency key,"
            raise QuestConflict(f"a quest {which} exists already", hint="use another id")
        made = quest.created_at or stamp
        self._update(connection, quest, version=0, epoch=new.epoch, updated_at=stamp, created_at=made)

    def _update(self, connection: Connection, quest: QuestExecutionData, **more: Any) -> None:
        """Bring the quest's row to the state of `quest`, and the columns in `more`."""
        refuse_labels(quest.labels)
        limits, duration = self.database.limits, quest.duration_seconds
        if duration is None:
            duration = _duration(quest.start_time, quest.end_time)
        values = {
            "quest_type": quest.quest_type,
            "status": quest.status,
            "input_data": encode(quest.input_data, what="input_data", limit=limits.input),
            "output_data": self._output(quest.output_data),
            "labels": quest.labels,
            "error": None if quest.error is None else error_text(quest.error),
            "start_time": quest.start_time,
            "end_time": quest.end_time,
            "duration_seconds": duration,
            **more,
        }
        written = sealed(connection, quests, values, namespace=self.namespace, quest_id=quest.quest_id)
        connection.execute(update(quests).where(quests.c.quest_id == quest.quest_id).values(**written))

    def _output(self, output: Any) -> str | None:
        """Return an output as JSON text; None where there is none."""
        return None if output is None else encode(output, what="output_data", limit=self.database.limits.output)

    def save_snapshot(
        self,
        quest_id: str,
        run_data: Mapping[str, Any] | None,
        execution_stack: Sequence[LordStep | StepName] | None,
        reason: SnapshotReason | str,
    ) -> int:
        """Add a snapshot, from which the quest goes on, as `QuestRepository.save_snapshot` does; return its id."""
        outputs = None if run_data is None else mapping(run_data, "run_data", _RUN_DATA_HINT)
        stack = None if execution_stack is None else _stack(execution_stack)
        chosen = _one_of(SnapshotReason, reason)
        work = partial(self._save_snapshot, quest_id=quest_id, outputs=outputs, stack=stack, reason=chosen)
        return self.database.write(work, at="save", repeatable=False)

    def _save_snapshot(
        self,
        connection: Connection,
        *,
        quest_id: str,
        outputs: Mapping[str, Any] | None,
        stack: list[LordStep] | None,
        reason: SnapshotReason,
    ) -> int:
        now, limits = self.database.clock.now(), self.database.limits
        row = self._lock_kept(connection, quest_id)
        stored = history.state_at(connection, quest_id, limit=limits.state)
        state = KeptState(
            stored.run_data if outputs is None else outputs,
            stored.stack if stack is None else stack,
            row.input_data,
            limits,
        )
        version = new_version(connection, row, state)
        more = {"execution_stack": None if stack is None else stack_text(stack, limits), "snapshot_reason": reason}
        snapshot_id = _insert_snapshot(connection, quest_id, version, state, **more, created_at=rfc3339(now))
        changed = {"version": version.version, "epoch": version.epoch}
        connection.execute(update(quests).where(quests.c.quest_id == quest_id).values(changed))
        return snapshot_id

    def save_run(
        self,
        quest_id: str,
        lord_name: str,
        tool_name: str,
        *,
        run_index: int,
        status: RunStatus | str,
        start_time: Moment | None,
        end_time: Moment | None,
        input_data: Any,
        output_data: Any,
        error_message: str | None,
        attempt_number: int,
        max_attempts: int,
    ) -> int:
        """Add one attempt of one step to a quest's history, as `QuestRepository.save_lord_run` does; return its id."""
        run = {
            "quest_id": quest_id,
            "lord_name": text(lord_name, "lord_name"),
            "tool_name": text(tool_name, "tool_name"),
            "run_index": whole(run_index, "run_index"),
            "status": _one_of(RunStatus, status),
            "start_time": self.database.clock.now() if start_time is None else moment(start_time, "start_time"),
            "end_time": None if end_time is None else moment(end_time, "end_time"),
            "input_data": {} if input_data is None else input_data,
            "output_data": output_data,
            "error_message": text_or_none(error_message, "error_message"),
            "attempt_number": whole(attempt_number, "attempt_number"),
            "max_attempts": whole(max_attempts, "max_attempts"),
        }
        return self.database.write(partial(self._save_run, run=run), at="save", repeatable=False)

    def _save_run(self, connection: Connection, *, run: Mapping[str, Any]) -> int:
        row = self._lock_kept(connection, run["quest_id"])
        for what in ("lord_name", "tool_name"):
            refuse_halves(run[what], what=what)
        values = {
            **run,
            "namespace": self.namespace,
            "epoch": row.epoch,
            "duration_seconds": _duration(run["start_time"], run["end_time"]),
            "input_data": encode(run["input_data"], what="input_data", limit=self.database.limits.input),
            "output_data": self._output(run["output_data"]),
            "error_message": None if run["error_message"] is None else error_text(run["error_message"]),
            "created_at": rfc3339(self.database.clock.now()),
        }
        written = sealed(connection, runs, values, claim_id=None)
        return int(connection.execute(insert(runs).values(written).returning(runs.c.run_id)).scalar_one())


def _refuse_held(connection: Connection, quest_id: str) -> None:
    """Raise QuestConflict where workers hold the quest, whose rows are then theirs alone to write."""
    held = connection.execute(select(tickets.c.quest_id).where(tickets.c.quest_id == quest_id)).first()
    if held is not None:
        raise QuestConflict(
            f"quest {quest_id} belongs to the workers, so it cannot be saved",
            hint="use pause, resume, cancel, retry or replay",
        )


def _insert_snapshot(connection: Connection, quest_id: str, version: NewVersion, state: KeptState, **more: Any) -> int:
    """Insert a snapshot that holds its whole `run_data`, and the columns in `more`; return its `snapshot_id`."""
    run_data = whole_state(state.run_data, limit=state.limits.state)
    values = {"quest_id": quest_id, **asdict(version), "run_data": run_data, **more}
    query = insert(snapshots).values(sealed(connection, snapshots, values)).returning(snapshots.c.snapshot_id)
    return int(connection.execute(query).scalar_one())


def _keep_input(connection: Connection, row: Row[Any]) -> None:
    """Keep the input that was submitted beside the one that is about to take its place."""
    mine, kept = quests.c.quest_id == row.quest_id, {"submitted_input": row.submitted_input or row.input_data}
    written = sealed(connection, quests, kept, namespace=row.namespace, quest_id=row.quest_id)
    connection.execute(update(quests).where(mine).values(**written))


def _duration(start_time: float | None, end_time: float | None) -> float | None:
    """Return the seconds from start to end, or None while one of them is missing."""
    if start_time is None or end_time is None:
        return None
    if end_time < start_time:
        raise PayloadError(f"end_time {end_time} is before start_time {start_time}", hint="both are epoch seconds")
    return end_time - start_time


def _stack(given: object) -> list[LordStep]:
    """Return the steps that somebody gave as a stack, or raise PayloadError where they are none."""
    steps = several(given, "execution_stack", "a list of steps", 'such as ["architect:design_system"]')
    return [as_step(step) for step in steps]


def _one_of(kind: type[Word], word: str) -> Word:
    """Return the member of an enumeration that a word means, or raise PayloadError where it means none."""
    try:
        return kind(word)
    except ValueError:
        raise PayloadError(f"{word!r:.100} is no {kind.__name__}", hint=suggestion(word, kind, kind="words")) from None
