"""What Lords of the benchmarks remember: one thing of each kind, by its number."""

from __future__ import annotations

from typing import Any

from benchmarks.harness.filling import EACH, EPIC, NUMBER, STORY, THOUSANDTH
from questline.memory import AgentState, ContextPersistence, DbStateManager, Event, StateStore, WorkflowContext

#: A sentence in each of them. Two of its words are only in one, and in one of a thousand.
TEXT = f"The planner has read file{NUMBER} of the repository, kind{THOUSANDTH}, and found nothing to change"
#: How often the larger ones say it.
TIMES = 10


def said(number: int | None, text: str = TEXT) -> str:
    """Return a text about a number; of none, with the marks by which its copies get theirs."""
    if number is None:
        return text
    return text.replace(NUMBER, str(number)).replace(THOUSANDTH, str(number % 1000))


def state(agent_id: str, number: int | None = None) -> AgentState:
    """Return the state of an agent."""
    data = f'{{"goal": "{said(number)}"}}'
    return AgentState(agent_id=agent_id, name="planner", state_data=data, metadata={"team": "a"})


def event(session_id: str, number: int | None = None, **more: Any) -> Event:
    """Return an event of a session."""
    told = {"event_type": "tool_call", "actor_type": "agent", "content": said(number), "metadata": {"tool": "read"}}
    return Event(session_id=session_id, **told, **more)


def context(workflow_id: str, number: int | None = None, story: tuple[int, int] = (EPIC, STORY)) -> WorkflowContext:
    """Return the context of a workflow, which is about a story of an epic."""
    return WorkflowContext(
        workflow_id=workflow_id,
        epic_num=story[0],
        story_num=story[1],
        feature=said(number, f"feature{THOUSANDTH}"),
        workflow_name="implement",
        current_phase="design",
        decisions={"findings": [said(number)] * TIMES},
    )


def session(number: int | None = None) -> dict[str, object]:
    """Return the state of a session."""
    return {"mission": "tidy up", "status": "pending", "findings": [said(number)] * TIMES}


def story_of(number: int) -> tuple[int, int]:
    """Return the epic and the story that a workflow is about."""
    return divmod(number, EACH)


async def write_patterns(url: str) -> None:
    """Write one thing of each kind, for `filling` to copy."""
    async with StateStore(url) as states, DbStateManager(url) as sessions:
        await states.save_agent_state(state(f"agent-{NUMBER}"))
        await states.save_event(event(f"session-{NUMBER}", event_id=f"event-{NUMBER}"))
        await sessions.save_state(f"session-{NUMBER}", session())
    with ContextPersistence(url) as contexts:
        contexts.save_context(context(f"workflow-{NUMBER}"))
