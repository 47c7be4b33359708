"""What a replay and a fork write: a quest's earlier state, taken up again under the next epoch or as a new quest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert

from questline_persistence import history
from questline_persistence.arrival import Arrival
from questline_persistence.claims import Doorbell
from questline_persistence.clock import rfc3339
from questline_persistence.corrections import Correction, corrected
from questline_persistence.errors import InvalidRecord, PayloadError, QuestConflict
from questline_persistence.locked import LockedQuest
from questline_persistence.models import QuestExecutionData
from questline_persistence.payload import decode, whole_state
from questline_persistence.plan import PlannedStep, counts_text, highest
from questline_persistence.starting_point import StartingPoint, resolve
from questline_persistence.states import ExecutionStatus, SnapshotReason
from questline_persistence.submission import take_apart
from questline_persistence.tables import snapshots, steps, tickets


def earlier_state(
    locked: LockedQuest, start: StartingPoint, correction: Correction
) -> tuple[history.State, str | None]:
    """Return what a quest was at `start`, corrected, and a notice about how that was found if there is one.

    Raises:
      QuestNotFound: the quest has no such snapshot or step.
      QuestConflict: the step has not been reached yet, or nothing remains to be run.
      PayloadError: a correction's path leads nowhere, or its value is not JSON.
    """
    point = resolve(locked.connection, locked.quest_id, locked.quest.epoch, locked.version, start)
    state = history.state_at(locked.connection, locked.quest_id, point.version, limit=locked.limits.state)
    if point.position is not None:
        state = history.taken_back(locked.connection, state, point.position)
    state = corrected(state, correction, limits=locked.limits)
    if state.position is None:
        raise QuestConflict(f"nothing remains to be run after v{state.version} of quest {locked.quest_id}")
    return state, point.notice


def start_again(locked: LockedQuest, state: history.State) -> Doorbell:
    """Take a quest back to `state` under the next epoch: plan, snapshot, ticket and row; return what to ring."""
    quest_id, epoch, version = locked.quest_id, locked.quest.epoch + 1, locked.version + 1
    plan = copied_plan(locked.connection, state, to=quest_id, epoch=epoch)
    locked.connection.execute(insert(steps), plan)
    locked.connection.execute(
        insert(snapshots).values(
            quest_id=quest_id,
            version=version,
            epoch=epoch,
            position=state.position,
            run_data=whole_state(state.run_data, limit=locked.limits.state),
            input_data=state.input_json,
            parent_version=state.version,
            snapshot_reason=SnapshotReason.REPLAY,
            created_at=rfc3339(locked.now),
        )
    )
    locked.cut_short("the quest was replayed")
    locked.connection.execute(delete(tickets).where(tickets.c.quest_id == quest_id))
    bell = locked.issue_ticket(epoch, str(state.position), version)
    locked.change(
        status=ExecutionStatus.RUNNING,
        epoch=epoch,
        step_counts=counts_text(highest((row["lord_name"], row["occurrence"]) for row in plan)),
        output_data=None,
        error=None,
        reason=None,
        start_time=locked.now,
        end_time=None,
        duration_seconds=None,
        **_new_input(locked.quest, state),
    )
    return bell


def _new_input(quest: Row[Any], state: history.State) -> dict[str, Any]:
    """Return the columns of a corrected input, which keep the one that was submitted."""
    if state.input_json == quest.input_data:
        return {}
    return {"input_data": state.input_json, "submitted_input": quest.submitted_input or quest.input_data}


def copied_plan(connection: Connection, state: history.State, *, to: str, epoch: int) -> list[dict[str, Any]]:
    """Return a quest's plan, as it was at `state`, as rows of another epoch or quest."""
    rows = history.plan(connection, state.quest_id, state.epoch, version=state.version)
    return [history.copied_step(row, to=to, epoch=epoch) for row in rows]


def forked_rows(locked: LockedQuest, state: history.State, new_id: str) -> Arrival:
    """Return what the rows of a new quest are made of that starts where `state` stands.

    Raises:
      PayloadError: `new_id` is no id for a quest.
    """
    source = locked.quest
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
    except InvalidRecord:  # all else was stored by ourselves
        raise PayloadError(f"{new_id!r} is not an id for a quest", hint="use letters, digits and _ . -") from None
    new = take_apart(quest, namespace=source.namespace, now=locked.now, limits=locked.limits)
    copied = copied_plan(locked.connection, state, to=new_id, epoch=0)
    steps = tuple(PlannedStep(**{name: row[name] for name in PlannedStep._fields}) for row in copied)
    base = whole_state(state.run_data, limit=locked.limits.state)
    counts = counts_text(highest((step.lord_name, step.occurrence) for step in steps))
    return new._replace(run_data=base, plan=replace(new.plan, steps=steps, position=str(state.position), counts=counts))
