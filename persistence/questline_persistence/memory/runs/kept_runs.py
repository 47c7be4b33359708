"""Runs that were executed elsewhere, as they are kept: whole, or a plan and what came of it by themselves."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select

from questline_persistence.arguments import moment
from questline_persistence.ids import new_quest_id
from questline_persistence.kinds import RUN_PARTS, RUNS
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import RunRecord, RunSummary
from questline_persistence.memory.reading import present
from questline_persistence.memory.runs.given import Given, objective_of
from questline_persistence.payload import decode
from questline_persistence.schema import first, table_of
from questline_persistence.writes import Enters

runs, parts = table_of(RUNS), table_of(RUN_PARTS)

#: What a list shows of a run.
LISTED = select(
    *(runs.c[name] for name in ("run_id", "plan_id", "objective", "success", "created_at", "namespace", "write_id"))
)


class Part(StrEnum):
    """What may be recorded by itself."""

    PLAN = "plan"
    EXECUTION = "execution"


def new_run(kept: Kept, plan: Given, execution: Given) -> Enters:
    """Return the entry of a run.

    Raises:
      PayloadError: the plan or what came of it lacks what a run is listed with.
    """
    columns = {
        "plan_id": plan.plan_id,
        "objective": plan.objective,
        "success": int(execution.success),
        "plan_result": plan.text,
        "execution_result": execution.text,
    }
    return kept.entry(RUNS, new_quest_id(), columns)


def new_part(kept: Kept, kind: Part, given: Given) -> Enters:
    """Return the entry of a plan, or of what came of one.

    Raises:
      PayloadError: it does not name the plan.
    """
    columns = {"kind": kind, "plan_id": given.plan_id, "body": given.text}
    return kept.entry(RUN_PARTS, new_quest_id(), columns)


def record(connection: Connection, kept: Kept, run_id: str, now: float) -> RunRecord | None:
    """Return a run, whole; None where there is none of this id."""
    mine = (*kept.rows(runs), runs.c.run_id == run_id, *present(runs, now))
    row = first(connection, select(runs).where(*mine))
    if row is None:
        return None
    return RunRecord(
        run_id=row.run_id,
        plan_id=row.plan_id,
        objective=row.objective,
        plan_result=decode(row.plan_result),
        execution_result=decode(row.execution_result),
        created_at=moment(row.created_at, "created_at"),
    )


def record_of_parts(connection: Connection, kept: Kept, plan_id: str, now: float) -> RunRecord | None:
    """Return what was recorded of a plan in parts, as a run; what is missing is empty. None where nothing was."""
    plan, execution = (_newest(connection, kept, kind, plan_id, now) for kind in Part)
    found = [row for row in (plan, execution) if row is not None]
    if not found:
        return None
    plan_result = {} if plan is None else decode(plan.body)
    return RunRecord(
        run_id=plan_id,
        plan_id=plan_id,
        objective=objective_of(plan_result) or objective_of(plan_result.get("plan") or {}) or "",
        plan_result=plan_result,
        execution_result={} if execution is None else decode(execution.body),
        created_at=max(moment(row.created_at, "created_at") for row in found),
    )


def _newest(connection: Connection, kept: Kept, kind: Part, plan_id: str, now: float) -> Row[Any] | None:
    mine = (*kept.rows(parts), parts.c.plan_id == plan_id, parts.c.kind == kind)
    query = select(parts).where(*mine, *present(parts, now))
    return first(connection, query.order_by(parts.c.id.desc()))


def summary(row: Row[Any]) -> RunSummary:
    """Return a run as a list shows it."""
    return RunSummary(
        run_id=row.run_id,
        plan_id=row.plan_id,
        objective=row.objective,
        success=bool(row.success),
        created_at=moment(row.created_at, "created_at"),
    )
