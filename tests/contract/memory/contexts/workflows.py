"""Contexts for tests."""

from typing import Any

from questline_persistence.memory.models import WorkflowContext


def a_context(workflow_id: str = "w1", **fields: Any) -> WorkflowContext:
    usual = {
        "epic_num": 12,
        "story_num": 3,
        "feature": "login",
        "workflow_name": "implement",
        "current_phase": "design",
    }
    return WorkflowContext(workflow_id=workflow_id, **{**usual, **fields})


def ids(contexts: list[WorkflowContext]) -> list[str]:
    return [context.workflow_id for context in contexts]
