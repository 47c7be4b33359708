"""A quest as users see it: its row, where it stands, its progress, and the status of every step.

No row holds the status of a step. It follows from where the quest stands: steps before that have succeeded, those
behind it are pending, and the one there is as its ticket says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from questline_persistence.ids import is_possible, not_found
from questline_persistence.journal import history
from questline_persistence.models import QuestExecutionData, StepView
from questline_persistence.payload import Limit, decode
from questline_persistence.records.attempts import tried_steps
from questline_persistence.records.current_state import CurrentState
from questline_persistence.schema import opened, quests, snapshots, steps, tickets
from questline_persistence.states import ExecutionStatus, StepStatus, TicketState

_STATUS_WITH_TICKET = {
    TicketState.READY: StepStatus.QUEUED,
    TicketState.RUNNING: StepStatus.RUNNING,
    TicketState.WAITING: StepStatus.WAITING,
    TicketState.HELD: StepStatus.PENDING,
}
_STATUS_WITHOUT_TICKET = {ExecutionStatus.FAILED: StepStatus.ERROR, ExecutionStatus.CANCELLED: StepStatus.SKIPPED}


def _current_states(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, CurrentState]:
    """Return where each quest stands: by its ticket while it has one, else by its newest snapshot."""
    ids = [row.quest_id for row in rows]
    found = {
        row.quest_id: CurrentState(row.epoch, row.version, row.position, opened(connection, tickets, row))
        for row in connection.execute(
            select(tickets).where(tickets.c.quest_id.in_(ids)).order_by(tickets.c.position.desc())
        )
    }
    rest = [quest_id for quest_id in ids if quest_id not in found]
    newest = (
        select(snapshots.c.quest_id, func.max(snapshots.c.version).label("version"))
        .where(snapshots.c.quest_id.in_(rest))
        .group_by(snapshots.c.quest_id)
        .subquery()
    )
    at_newest = (snapshots.c.quest_id == newest.c.quest_id) & (snapshots.c.version == newest.c.version)
    for row in connection.execute(select(snapshots).join(newest, at_newest)):
        found[row.quest_id] = CurrentState(row.epoch, row.version, row.position)
    return found


def whole_quest(connection: Connection, row: Row[Any], *, limit: Limit) -> QuestExecutionData:
    """Return a quest with its outputs, its steps and what remains of its stack.

    Parameters:
      connection: a transaction that reads.
      row: the quest's row.
      limit: how large its outputs may be together.

    Raises:
      PayloadError: its outputs together are larger than `limit`.
    """
    current = _current_states(connection, [row])[row.quest_id]
    plan = history.plan(connection, row.quest_id, current.epoch)
    remaining = [step for step in plan if current.position is not None and step.position >= current.position]
    quest = QuestExecutionData.model_construct(
        **_fields(row, current),
        run_data=history.run_data_at(connection, row.quest_id, current.epoch, current.version, limit=limit),
        execution_stack=[history.step_of(step) for step in remaining],
        steps=_step_views(connection, row, current, plan),
    )
    return _with_progress(quest, current, len(plan) - len(remaining), len(remaining))


def steps_of(connection: Connection, row: Row[Any]) -> list[StepView]:
    """Return the steps of a quest with their status, without its outputs.

    Parameters:
      connection: a transaction that reads.
      row: the quest's row.
    """
    current = _current_states(connection, [row])[row.quest_id]
    return _step_views(connection, row, current, history.plan(connection, row.quest_id, current.epoch))


def _step_views(
    connection: Connection, row: Row[Any], current: CurrentState, plan: Sequence[Row[Any]]
) -> list[StepView]:
    """Return the steps of a quest's plan as people look at them."""
    tried = tried_steps(connection, row, current, [step.position for step in plan])
    return [
        StepView.model_construct(
            position=step.position,
            lord_name=step.lord_name,
            tool_name=step.tool_name,
            status=_step_status(step.position, current, row.status),
            attempts=tried[step.position].counted,
            max_attempts=step.max_attempts,
            lost=tried[step.position].lost,
            earlier_attempts=tried[step.position].earlier,
            **_step_progress(step.position, current),
        )
        for step in plan
    ]


def listed_quests(connection: Connection, rows: Sequence[Row[Any]]) -> list[QuestExecutionData]:
    """Return quests without what grows with their length: outputs, steps and stack are left empty.

    The statements are as many for a thousand quests as for one.

    Parameters:
      connection: a transaction that reads.
      rows: the quests' rows; the answer has their order.
    """
    found = _current_states(connection, rows)
    counted = _counted_steps(connection, found)
    return [
        _with_progress(
            QuestExecutionData.model_construct(
                **_fields(row, found[row.quest_id]), run_data={}, execution_stack=[], steps=[]
            ),
            found[row.quest_id],
            *counted.get(row.quest_id, (0, 0)),
        )
        for row in rows
    ]


def _with_progress(
    quest: QuestExecutionData, current: CurrentState, completed: int, remaining: int
) -> QuestExecutionData:
    """Return `quest`, made to report this progress."""
    quest._step_progress = current.step_progress  # noqa: SLF001  (as below)
    quest._progress = {"completed": completed, "remaining": remaining}  # noqa: SLF001  (only the store knows it)
    return quest


def _fields(row: Row[Any], current: CurrentState) -> dict[str, Any]:
    """Return the fields of a quest that cost no further look."""
    return {
        "quest_id": row.quest_id,
        "quest_type": row.quest_type,
        "namespace": row.namespace,
        "status": ExecutionStatus(row.status),
        "epoch": current.epoch,
        "version": current.version,
        "input_data": decode(row.input_data),
        "output_data": None if row.output_data is None else decode(row.output_data),
        "error": row.error,
        "reason": row.reason,
        "labels": row.labels,
        "queue": row.queue,
        "priority": row.priority,
        "idempotency_key": row.idempotency_key,
        "forked_from": row.forked_from,
        "start_time": row.start_time,
        "end_time": row.end_time,
        "duration_seconds": row.duration_seconds,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "schema_version": row.schema_version,
    }


def _step_status(position: str, current: CurrentState, status: str) -> StepStatus:
    """Return the status of the step at `position` of a quest that has this status and stands there."""
    if current.position is None or position < current.position:
        return StepStatus.SUCCESS
    if status == ExecutionStatus.CANCELLED:
        return StepStatus.SKIPPED
    if position > current.position:
        return StepStatus.PENDING
    if current.ticket is not None:
        return _STATUS_WITH_TICKET[TicketState(current.ticket.state)]
    return _STATUS_WITHOUT_TICKET.get(ExecutionStatus(status), StepStatus.PENDING)


def _step_progress(position: str, current: CurrentState) -> dict[str, Any]:
    """Return what a step says of its progress, if it runs and does."""
    told = current.step_progress if position == current.position else None
    return {"progress": told and told.fraction, "progress_message": told and told.message}


def _counted_steps(connection: Connection, found: Mapping[str, CurrentState]) -> dict[str, tuple[int, int]]:
    """Return (completed, remaining) steps of several quests with one statement."""
    if not found:
        return {}
    heads = case({quest_id: current.position for quest_id, current in found.items()}, value=steps.c.quest_id)
    epochs = case({quest_id: current.epoch for quest_id, current in found.items()}, value=steps.c.quest_id)
    remaining = func.sum(case((steps.c.position >= heads, 1), else_=0))
    counted = connection.execute(
        select(steps.c.quest_id, func.count() - remaining, remaining)
        .where(steps.c.quest_id.in_(list(found)), steps.c.epoch == epochs)
        .group_by(steps.c.quest_id)
    )
    return {quest_id: (done, rest) for quest_id, done, rest in counted}


def quest_row(connection: Connection, namespace: str, quest_id: str) -> Row[Any]:
    """Return the row of a quest of the namespace.

    Parameters:
      connection: a transaction that reads.
      namespace: the tenant.
      quest_id: what a caller gave as the quest's id.

    Raises:
      QuestNotFound: there is no such quest.
    """
    mine = (quests.c.quest_id == quest_id, quests.c.namespace == namespace)
    row = connection.execute(select(quests).where(*mine)).first() if is_possible(quest_id) else None
    if row is None:
        raise not_found(quest_id)
    return opened(connection, quests, row)
