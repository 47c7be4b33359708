"""What a program wants a quest to be that it keeps by itself, and the version of the quest that this becomes.

Within an epoch a quest's state is what its steps have come to, and each step has one result at most. So whatever a
program changes of what workers did begins an epoch, as a replay does: its steps have new idempotency keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from questline_persistence.errors import PayloadError
from questline_persistence.journal import history
from questline_persistence.models import LordStep
from questline_persistence.payload import Limits, whole_state
from questline_persistence.plan import Plans, highest
from questline_persistence.run_data import numbers
from questline_persistence.schema import quests, runs, sealed, steps
from questline_persistence.states import RunStatus


@dataclass(frozen=True, slots=True)
class KeptState:
    """What a quest is to have, and what remains to be done.

    Parameters:
      run_data: its outputs, by the Lord's name.
      stack: the steps that remain.
      input_json: its input, as JSON text.
      limits: how large all of this may be.
    """

    run_data: Mapping[str, Any]
    stack: list[LordStep]
    input_json: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class NewVersion:
    """The columns of the snapshot that a saved state becomes: in the present epoch, or the first of a new one.

    Parameters:
      version: the next version of the quest.
      epoch: the present epoch, or the next one.
      position: the next step; None where nothing remains.
      parent_version: of a new epoch's first snapshot, the version that it comes after.
      input_data: of such a one, the input from there on, as JSON text.
    """

    version: int
    epoch: int
    position: str | None
    parent_version: int | None = None
    input_data: str | None = None


def new_version(connection: Connection, row: Row[Any], state: KeptState) -> NewVersion:
    """Return the version that a state becomes, and write the plan of the epoch that begins there if one does.

    Parameters:
      connection: the transaction; it has locked the quest's row.
      row: the quest as it is stored.
      state: the quest as the program wants it.

    Raises:
      PayloadError: a step of the stack is malformed or too large.
    """
    newest = history.snapshot_row(connection, row.quest_id)
    plan, version = history.plan(connection, row.quest_id, row.epoch), newest.version + 1
    rest = plan[len(plan) - len(state.stack) :]
    wanted = [step.model_copy(update={"queue": step.queue or row.queue}) for step in state.stack]
    if len(rest) == len(wanted) and [history.step_of(step) for step in rest] == wanted:
        position = rest[0].position if rest else None
        if state.input_json == row.input_data and _keeps_results(connection, newest, position, state):
            return NewVersion(version, row.epoch, position)
        rows = [history.copied_step(history.columns(step), to=row.quest_id, epoch=row.epoch + 1) for step in plan]
    else:
        planned = Plans(state.limits).of(state.stack).numbered_after(highest(numbers(state.run_data)))
        position = planned.position
        rows = [step.row(row.quest_id, epoch=row.epoch + 1, queue=row.queue) for step in planned.steps]
        whose = {"namespace": row.namespace, "quest_id": row.quest_id}
        stack = {"execution_stack": planned.text, "step_counts": planned.counts}
        changed = sealed(connection, quests, stack, **whose)
        connection.execute(update(quests).where(quests.c.quest_id == row.quest_id).values(changed))
    connection.execute(insert(steps), [sealed(connection, steps, one) for one in rows])
    return NewVersion(version, row.epoch + 1, position, newest.version, state.input_json)


def _keeps_results(connection: Connection, newest: Row[Any], position: str | None, state: KeptState) -> bool:
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
