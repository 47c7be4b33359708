"""Quests shown as runs, by a mapping of what their own tables hold: nothing of them is stored a second time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from questline_persistence.arguments import moment
from questline_persistence.errors import PayloadError
from questline_persistence.memory.models import RunRecord, RunSummary
from questline_persistence.memory.runs.given import objective_of
from questline_persistence.payload import decode
from questline_persistence.records import steps_of
from questline_persistence.schema import opened, quests
from questline_persistence.states import ExecutionStatus

_SHOWN = ("namespace", "quest_id", "epoch", "quest_type", "status", "created_at", "submitted_input", "input_data")
#: What a list shows of a quest.
LISTED = select(*(quests.c[name] for name in _SHOWN))
_WHOLE = select(quests)


def record(connection: Connection, namespace: str, quest_id: str) -> RunRecord | None:
    """Return a quest as a run, whole; None where there is no such quest.

    Parameters:
      connection: a transaction that reads.
      namespace: the tenant.
      quest_id: the quest.
    """
    mine = (quests.c.quest_id == quest_id, quests.c.namespace == namespace)
    row = connection.execute(_WHOLE.where(*mine)).first()
    if row is None:
        return None
    row = opened(connection, quests, row)
    input_data = _submitted(row)
    named = {"plan_id": _plan_id(row), "objective": _objective(row, input_data)}
    steps = decode(row.execution_stack)
    return RunRecord(
        run_id=row.quest_id,
        **named,
        plan_result={**named, "quest_type": row.quest_type, "input_data": input_data, "steps": steps},
        execution_result=_execution(connection, row),
        created_at=_recorded(row.created_at),
    )


def _submitted(row: Row[Any]) -> Any:
    """Return the input as submitted, whatever a replay has made of it."""
    return decode(row.submitted_input or row.input_data)


def summary(connection: Connection, row: Row[Any]) -> RunSummary:
    """Return a quest as a run in a list."""
    row = opened(connection, quests, row)
    return RunSummary(
        run_id=row.quest_id,
        plan_id=_plan_id(row),
        objective=_objective(row, _submitted(row)),
        success=_succeeded(row),
        created_at=_recorded(row.created_at),
    )


def _recorded(created_at: str) -> float:
    """Return when a quest was recorded, in epoch seconds; 0 where the program that keeps it has written no moment."""
    try:
        return moment(created_at, "created_at")
    except PayloadError:
        return 0.0


def _plan_id(row: Row[Any]) -> str:
    return f"{row.quest_id}:{row.epoch}"


def _objective(row: Row[Any], input_data: Mapping[str, Any]) -> str:
    return objective_of(input_data) or str(row.quest_type)


def _succeeded(row: Row[Any]) -> bool:
    return bool(row.status == ExecutionStatus.COMPLETED)


def _execution(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    """Return what has come of a quest so far."""
    shown = ("position", "lord_name", "tool_name", "status", "attempts")
    return {
        "success": _succeeded(row),
        "status": row.status,
        "output": None if row.output_data is None else decode(row.output_data),
        "error": row.error,
        "steps": [{name: step[name] for name in shown} for step in steps_of(connection, row)],
        "start_time": row.start_time,
        "end_time": row.end_time,
    }
