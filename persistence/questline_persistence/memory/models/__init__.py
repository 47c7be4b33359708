"""What Lords remember, as users hold it in their hands: a Pydantic model for each kind, and lists of them.

Every model can be read by attribute and by key (`state.status`, `state["status"]`). What the store fills in (versions,
numbers, times) is None until then. It imports models and the words at the root.
"""

from questline_persistence.memory.models.agent_state import AgentState
from questline_persistence.memory.models.checked import checked
from questline_persistence.memory.models.event import Event
from questline_persistence.memory.models.history_entry import HistoryEntry
from questline_persistence.memory.models.listed import Listed, Matches
from questline_persistence.memory.models.memory import Memory
from questline_persistence.memory.models.migration import Migration
from questline_persistence.memory.models.run_record import RunRecord, RunSummary
from questline_persistence.memory.models.session import Session
from questline_persistence.memory.models.session_state import STATE_HINT, SessionState
from questline_persistence.memory.models.state_snapshot import StateSnapshot
from questline_persistence.memory.models.state_transition import StateTransition
from questline_persistence.memory.models.step_origin import StepOrigin, origin_of
from questline_persistence.memory.models.task import Task
from questline_persistence.memory.models.todo_list import TodoList
from questline_persistence.memory.models.workflow_context import WorkflowContext, context_text

__all__ = [
    "STATE_HINT",
    "AgentState",
    "Event",
    "HistoryEntry",
    "Listed",
    "Matches",
    "Memory",
    "Migration",
    "RunRecord",
    "RunSummary",
    "Session",
    "SessionState",
    "StateSnapshot",
    "StateTransition",
    "StepOrigin",
    "Task",
    "TodoList",
    "WorkflowContext",
    "checked",
    "context_text",
    "origin_of",
]
