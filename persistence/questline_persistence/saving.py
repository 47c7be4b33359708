"""Quests written by hand: how a program that keeps its own quests stores them, their runs and their snapshots.

Workers never come this way, and a quest that they hold (one with a ticket) is refused here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from questline_persistence import history
from questline_persistence.clock import rfc3339
from questline_persistence.endings import error_text
from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_persistence.limits import Limits
from questline_persistence.models import LordStep, QuestExecutionData, refuse_labels
from questline_persistence.payload import encode, whole_state
from questline_persistence.plan import Plans, stack_text
from questline_persistence.states import ExecutionStatus, SnapshotReason
from questline_persistence.submission import insert_quests, take_apart
from questline_persistence.tables import quests, runs, snapshots, steps, tickets

_REASONS = {
    ExecutionStatus.PAUSED: SnapshotReason.PAUSE,
    ExecutionStatus.FAILED: SnapshotReason.ERROR,
    ExecutionStatus.COMPLETED: SnapshotReason.COMPLETED,
}


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One attempt of one step that ran outside the worker pool; times are epoch seconds."""

    quest_id: str
    lord_name: str
    tool_name: str
    run_index: int
    status: str
    start_time: float
    end_time: float | None
    input_data: Any
    output_data: Any
    error_message: str | None
    attempt_number: int
    max_attempts: int


def save(connection: Connection, quest: QuestExecutionData, *, namespace: str, now: float, limits: Limits) -> None:
    """Insert a quest, or bring the stored one to the state of `quest`, with a snapshot of it."""
    row = _locked(connection, namespace, quest.quest_id)
    if row is None:
        _insert(connection, quest, namespace, now, limits)
        return
    refuse_held(connection, quest.quest_id)
    newest = history.snapshot_row(connection, quest.quest_id)
    epoch, position = _place(connection, row, quest.execution_stack, limits)
    insert_snapshot(
        connection,
        quest.quest_id,
        version=newest.version + 1,
        epoch=epoch,
        position=position,
        run_data=quest.run_data,
        reason=_REASONS.get(quest.status, SnapshotReason.CHECKPOINT),
        now=now,
        limits=limits,
    )
    _update(connection, quest, limits, version=newest.version + 1, epoch=epoch, updated_at=rfc3339(now))


def _locked(connection: Connection, namespace: str, quest_id: str) -> Row[Any] | None:
    """Lock the quest's row, so that no verb makes a ticket for it before the caller has written; return it, or None."""
    mine = (quests.c.quest_id == quest_id, quests.c.namespace == namespace)
    return connection.execute(select(quests).where(*mine).with_for_update()).first()


def _insert(connection: Connection, quest: QuestExecutionData, namespace: str, now: float, limits: Limits) -> None:
    """Insert a quest that workers do not hold: it has no ticket."""
    stamp = rfc3339(now)
    new = take_apart(quest, namespace=namespace, now=now, limits=limits)
    new = new._replace(run_data=whole_state(quest.run_data, limit=limits.state))
    if not insert_quests(connection, [new], tickets_too=False):
        which = quest.quest_id if quest.idempotency_key is None else f"{quest.quest_id}, or one of its idempotency key,"
        raise QuestConflict(f"a quest {which} exists already", hint="use another id")
    _update(connection, quest, limits, version=0, epoch=0, updated_at=stamp, created_at=quest.created_at or stamp)


def _update(connection: Connection, quest: QuestExecutionData, limits: Limits, **more: Any) -> None:
    """Bring the quest's row to the state of `quest`, and the columns in `more`."""
    refuse_labels(quest.labels)
    duration = quest.duration_seconds
    if duration is None:
        duration = _length(quest.start_time, quest.end_time)
    connection.execute(
        update(quests)
        .where(quests.c.quest_id == quest.quest_id)
        .values(
            quest_type=quest.quest_type,
            status=quest.status,
            input_data=encode(quest.input_data, what="input_data", limit=limits.input),
            output_data=None if quest.output_data is None else _output(quest.output_data, limits),
            labels=quest.labels,
            error=None if quest.error is None else error_text(quest.error),
            start_time=quest.start_time,
            end_time=quest.end_time,
            duration_seconds=duration,
            **more,
        )
    )


def _length(start_time: float | None, end_time: float | None) -> float | None:
    """Return the time from start to end, or None while one of them is missing."""
    if start_time is None or end_time is None:
        return None
    if end_time < start_time:
        raise PayloadError(f"end_time {end_time} is before start_time {start_time}", hint="both are epoch seconds")
    return end_time - start_time


def _output(output: Any, limits: Limits) -> str:
    return encode(output, what="output_data", limit=limits.output)


def _place(connection: Connection, row: Row[Any], stack: list[LordStep], limits: Limits) -> tuple[int, str | None]:
    """Return the epoch and position at which `stack` is what remains; a stack of another shape begins a new epoch."""
    plan = history.plan(connection, row.quest_id, row.epoch)
    rest = plan[len(plan) - len(stack) :]
    wanted = [step.model_copy(update={"queue": step.queue or row.queue}) for step in stack]
    if len(stack) <= len(plan) and [history.step_of(step) for step in rest] == wanted:
        return row.epoch, rest[0].position if rest else None
    epoch = row.epoch + 1
    planned = Plans(limits).of(stack)
    rows = [step.row(row.quest_id, epoch=epoch, queue=row.queue) for step in planned.steps]
    connection.execute(insert(steps), rows)
    connection.execute(
        update(quests)
        .where(quests.c.quest_id == row.quest_id)
        .values(execution_stack=planned.text, step_counts=planned.counts)
    )
    return epoch, planned.position


def insert_snapshot(
    connection: Connection,
    quest_id: str,
    *,
    version: int,
    epoch: int,
    position: str | None,
    run_data: dict[str, Any],
    reason: SnapshotReason,
    now: float,
    limits: Limits,
    stack: list[LordStep] | None = None,
) -> int:
    """Insert a snapshot that holds its whole `run_data`; return its `snapshot_id`."""
    values = {
        "quest_id": quest_id,
        "version": version,
        "epoch": epoch,
        "position": position,
        "run_data": whole_state(run_data, limit=limits.state),
        "execution_stack": None if stack is None else stack_text(stack, limits),
        "snapshot_reason": reason,
        "created_at": rfc3339(now),
    }
    query = insert(snapshots).values(values).returning(snapshots.c.snapshot_id)
    return int(connection.execute(query).scalar_one())


def save_snapshot(
    connection: Connection,
    quest_id: str,
    run_data: dict[str, Any] | None,
    stack: list[LordStep] | None,
    reason: SnapshotReason,
    *,
    namespace: str,
    now: float,
    limits: Limits,
) -> int:
    """Add a snapshot of a quest that workers do not hold; None means: as it is."""
    if _locked(connection, namespace, quest_id) is None:
        raise QuestNotFound(f"there is no quest {quest_id}", hint="run: questline list")
    refuse_held(connection, quest_id)
    state = history.state_at(connection, quest_id, limit=limits.state)
    version = state.version + 1
    data = state.run_data if run_data is None else run_data
    snapshot_id = insert_snapshot(
        connection,
        quest_id,
        version=version,
        epoch=state.epoch,
        position=state.position,
        run_data=data,
        reason=reason,
        now=now,
        limits=limits,
        stack=stack,
    )
    connection.execute(update(quests).where(quests.c.quest_id == quest_id).values(version=version))
    return snapshot_id


def save_run(connection: Connection, record: RunRecord, *, namespace: str, now: float, limits: Limits) -> int:
    """Add a run to a quest's history; return its `run_id`."""
    row = _locked(connection, namespace, record.quest_id)
    if row is None:
        raise QuestNotFound(f"there is no quest {record.quest_id}", hint="run: questline list")
    refuse_held(connection, record.quest_id)
    values = {
        "quest_id": record.quest_id,
        "epoch": row.epoch,
        "lord_name": record.lord_name,
        "tool_name": record.tool_name,
        "run_index": record.run_index,
        "status": record.status,
        "start_time": record.start_time,
        "end_time": record.end_time,
        "duration_seconds": _length(record.start_time, record.end_time),
        "input_data": encode(record.input_data, what="input_data", limit=limits.input),
        "output_data": None if record.output_data is None else _output(record.output_data, limits),
        "error_message": None if record.error_message is None else error_text(record.error_message),
        "attempt_number": record.attempt_number,
        "max_attempts": record.max_attempts,
        "created_at": rfc3339(now),
    }
    return int(connection.execute(insert(runs).values(values).returning(runs.c.run_id)).scalar_one())


def refuse_held(connection: Connection, quest_id: str) -> None:
    """Raise when workers hold the quest, whose rows are then theirs alone to write."""
    held = connection.execute(select(tickets.c.quest_id).where(tickets.c.quest_id == quest_id)).first()
    if held is not None:
        raise QuestConflict(
            f"quest {quest_id} is in the hands of the workers", hint="use pause, resume, cancel, retry or replay"
        )
