"""Quests written by hand: how a program that keeps its own quests stores them, their runs and their snapshots.

Workers never come this way, and a quest that they hold (one with a ticket) is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.ids import is_possible, not_found
from questline_persistence.journal import after_deleted, error_text, history, insert_quests, prepare_quest
from questline_persistence.models import LordStep, QuestExecutionData, refuse_labels
from questline_persistence.payload import Limits, encode, refuse_halves, whole_state
from questline_persistence.plan import Plans, highest, stack_text
from questline_persistence.run_data import numbers
from questline_persistence.schema import quests, runs, snapshots, steps, tickets
from questline_persistence.states import ExecutionStatus, RunStatus, SnapshotReason

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
    status: RunStatus
    start_time: float
    end_time: float | None
    input_data: Any
    output_data: Any
    error_message: str | None
    attempt_number: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class _State:
    """What a program wants a quest to be: what it has, and what remains to be done."""

    run_data: Mapping[str, Any]
    stack: list[LordStep]
    input_json: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a quest that is saved stands: in its present epoch, or at the beginning of a new one.

    Within an epoch a quest's state is what its steps have come to, and each step has one result at most. So whatever
    a program changes of what workers did begins an epoch, as a replay does: its steps have new idempotency keys.
    """

    version: int
    epoch: int
    position: str | None
    #: What a new epoch's first snapshot tells: the version that it comes after, and the input from there on.
    parent_version: int | None = None
    input_data: str | None = None


def save(connection: Connection, quest: QuestExecutionData, *, namespace: str, now: float, limits: Limits) -> None:
    """Insert a quest, or bring the stored one to the state of `quest`, with a snapshot of it."""
    row = _locked(connection, namespace, quest.quest_id)
    if row is None:
        _insert(connection, quest, namespace, now, limits)
        return
    refuse_held(connection, quest.quest_id)
    input_json = encode(quest.input_data, what="input_data", limit=limits.input)
    state = _State(quest.run_data, quest.execution_stack, input_json, limits)
    place = _placed(connection, row, state)
    stamp, reason = rfc3339(now), _REASONS.get(quest.status, SnapshotReason.CHECKPOINT)
    _insert_snapshot(connection, row.quest_id, place, state, snapshot_reason=reason, created_at=stamp)
    if input_json != row.input_data:
        _keep_input(connection, row)
    _update(connection, quest, limits, version=place.version, epoch=place.epoch, updated_at=stamp)


def _locked(connection: Connection, namespace: str, quest_id: str) -> Row[Any] | None:
    """Lock the quest's row, so that no verb makes a ticket for it before the caller has written; return it, or None."""
    if not is_possible(quest_id):
        return None
    mine = (quests.c.quest_id == quest_id, quests.c.namespace == namespace)
    return connection.execute(select(quests).where(*mine).with_for_update()).first()


def _insert(connection: Connection, quest: QuestExecutionData, namespace: str, now: float, limits: Limits) -> None:
    """Insert a quest that workers do not hold: it has no ticket."""
    stamp = rfc3339(now)
    new = prepare_quest(quest, namespace=namespace, now=now, limits=limits)
    plan = new.plan.numbered_after(highest(numbers(quest.run_data)))
    new = new._replace(plan=plan, run_data=whole_state(quest.run_data, limit=limits.state))
    (new,) = after_deleted(connection, [new])
    if not insert_quests(connection, [new], tickets_too=False):
        which = quest.quest_id if quest.idempotency_key is None else f"{quest.quest_id}, or one of its idempotency key,"
        raise QuestConflict(f"a quest {which} exists already", hint="use another id")
    _update(
        connection, quest, limits, version=0, epoch=new.epoch, updated_at=stamp, created_at=quest.created_at or stamp
    )


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


def _keep_input(connection: Connection, row: Row[Any]) -> None:
    """Keep the input that was submitted beside the one that is about to take its place."""
    mine = quests.c.quest_id == row.quest_id
    connection.execute(update(quests).where(mine).values(submitted_input=row.submitted_input or row.input_data))


def _placed(connection: Connection, row: Row[Any], state: _State) -> _Place:
    """Return where a quest in this state stands, and write the plan of the epoch that begins there if one does."""
    newest = history.snapshot_row(connection, row.quest_id)
    plan, version = history.plan(connection, row.quest_id, row.epoch), newest.version + 1
    rest = plan[len(plan) - len(state.stack) :]
    wanted = [step.model_copy(update={"queue": step.queue or row.queue}) for step in state.stack]
    if len(rest) == len(wanted) and [history.step_of(step) for step in rest] == wanted:
        position = rest[0].position if rest else None
        if state.input_json == row.input_data and _leaves_results(connection, newest, position, state):
            return _Place(version, row.epoch, position)
        rows = [history.copied_step(history.columns(step), to=row.quest_id, epoch=row.epoch + 1) for step in plan]
    else:
        planned = Plans(state.limits).of(state.stack).numbered_after(highest(numbers(state.run_data)))
        position = planned.position
        rows = [step.row(row.quest_id, epoch=row.epoch + 1, queue=row.queue) for step in planned.steps]
        changed = {"execution_stack": planned.text, "step_counts": planned.counts}
        connection.execute(update(quests).where(quests.c.quest_id == row.quest_id).values(changed))
    connection.execute(insert(steps), rows)
    return _Place(version, row.epoch + 1, position, newest.version, state.input_json)


def _leaves_results(connection: Connection, newest: Row[Any], position: str | None, state: _State) -> bool:
    """Return whether a state keeps all that workers have committed in the present epoch, and where they stand."""
    committed = (
        select(runs.c.run_id)
        .where(runs.c.quest_id == newest.quest_id, runs.c.epoch == newest.epoch)
        .where(runs.c.status == RunStatus.SUCCESS, runs.c.version.is_not(None))
        .limit(1)
    )
    if connection.execute(committed).first() is None:
        return True
    if position != newest.position:
        return False
    limit = state.limits.state
    try:
        now = history.run_data_at(connection, newest.quest_id, newest.epoch, newest.version, limit=limit)
        return whole_state(now, limit=limit) == whole_state(state.run_data, limit=limit)
    except PayloadError:  # larger than what may be saved
        return False


def _insert_snapshot(connection: Connection, quest_id: str, place: _Place, state: _State, **more: Any) -> int:
    """Insert a snapshot that holds its whole `run_data`, and the columns in `more`; return its `snapshot_id`."""
    run_data = whole_state(state.run_data, limit=state.limits.state)
    values = {"quest_id": quest_id, **asdict(place), "run_data": run_data, **more}
    query = insert(snapshots).values(values).returning(snapshots.c.snapshot_id)
    return int(connection.execute(query).scalar_one())


def save_snapshot(
    connection: Connection,
    quest_id: str,
    run_data: Mapping[str, Any] | None,
    stack: list[LordStep] | None,
    reason: SnapshotReason,
    *,
    namespace: str,
    now: float,
    limits: Limits,
) -> int:
    """Add a snapshot of a quest that workers do not hold, from which it goes on; None means: as it is."""
    row = _locked(connection, namespace, quest_id)
    if row is None:
        raise not_found(quest_id)
    refuse_held(connection, quest_id)
    now_is = history.state_at(connection, quest_id, limit=limits.state)
    state = _State(
        now_is.run_data if run_data is None else run_data,
        now_is.stack if stack is None else stack,
        row.input_data,
        limits,
    )
    place = _placed(connection, row, state)
    more = {"execution_stack": None if stack is None else stack_text(stack, limits), "snapshot_reason": reason}
    snapshot_id = _insert_snapshot(connection, quest_id, place, state, **more, created_at=rfc3339(now))
    changed = {"version": place.version, "epoch": place.epoch}
    connection.execute(update(quests).where(quests.c.quest_id == quest_id).values(changed))
    return snapshot_id


def save_run(connection: Connection, record: RunRecord, *, namespace: str, now: float, limits: Limits) -> int:
    """Add a run to a quest's history; return its `run_id`."""
    row = _locked(connection, namespace, record.quest_id)
    if row is None:
        raise not_found(record.quest_id)
    refuse_held(connection, record.quest_id)
    for what in ("lord_name", "tool_name"):
        refuse_halves(getattr(record, what), what=what)
    values = {
        "quest_id": record.quest_id,
        "namespace": namespace,
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
