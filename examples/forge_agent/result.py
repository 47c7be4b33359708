"""What the planner and the executor hand on: in the form that a run history records."""

from pydantic import BaseModel

from examples.forge_agent.action import Action


class PlanResult(BaseModel):
    """What the planner makes of a goal."""

    plan_id: str
    objective: str
    steps: list[Action]


class ExecutionResult(BaseModel):
    """What came of a plan."""

    plan_id: str
    success: bool
    output: str
    error: str | None = None
