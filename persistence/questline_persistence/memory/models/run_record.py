"""Runs as the run history shows them: what was planned, and what came of it."""

from __future__ import annotations

from typing import Any

from questline_persistence.models import Record


class RunRecord(Record):
    """One run, whole; it never changes.

    Parameters:
      run_id: its id; a quest's run has the quest's.
      plan_id: the plan that was carried out.
      objective: what it was to achieve.
      plan_result: the plan, as the planner gave it.
      execution_result: what came of it, as the executor gave it.
      created_at: when it was recorded, in epoch seconds.
    """

    run_id: str
    plan_id: str
    objective: str
    plan_result: dict[str, Any]
    execution_result: dict[str, Any]
    created_at: float


class RunSummary(Record):
    """One run as lists show it.

    Parameters:
      run_id: its id.
      plan_id: the plan that was carried out.
      objective: what it was to achieve.
      success: whether it has achieved that.
      created_at: when it was recorded, in epoch seconds.
    """

    run_id: str
    plan_id: str
    objective: str
    success: bool
    created_at: float
