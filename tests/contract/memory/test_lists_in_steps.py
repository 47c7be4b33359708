"""Lists in a running step: what is committed, and what the step has written where the newest things are."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from questline_persistence.errors import PayloadError
from questline_persistence.memory.contexts import Contexts
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState, Event, Task, WorkflowContext
from questline_persistence.memory.sessions import History, Lessons, SessionStates, TodoLists
from questline_persistence.memory.states import States
from questline_persistence.memory.step import Buffered
from questline_persistence.store import Database


@pytest.fixture
def kept(database: Database) -> Kept:
    """What is kept of the same tenant, outside of the step."""
    return Kept(database, "here")


@pytest.fixture
def step(database: Database) -> Buffered:
    """What a running step keeps."""
    return Buffered(database, "here", "q1")


def agent(name: str, status: str = "idle") -> AgentState:
    return AgentState(agent_id=name, status=status)


def context(name: str, status: str = "running") -> WorkflowContext:
    return WorkflowContext(
        workflow_id=name, epic_num=1, feature="f", workflow_name="w", current_phase="p", status=status
    )


def transition(kept: Kept, name: str) -> object:
    return States(kept).record_state_transition("planner", None, name)


#: By the list: what adds something that is called so, what lists all of it, how one is called, and which come first.
LISTS: dict[str, tuple[Callable[[Kept, str], object], Callable[..., Sequence[Any]], str, bool]] = {
    "agents": (lambda kept, name: States(kept).save_agent_state(agent(name)), States.list_agents, "agent_id", True),
    "tasks": (
        lambda kept, name: States(kept).save_task(Task(task_id=name, title="t")),
        *(States.get_tasks, "task_id", True),
    ),
    "events": (
        lambda kept, name: States(kept).save_event(Event(event_id=name, session_id="s", event_type="said")),
        *(lambda states, **more: states.get_events("s", **more), "event_id", False),
    ),
    "events of a type": (
        lambda kept, name: States(kept).save_event(Event(event_id=name, session_id="s", event_type="said")),
        *(lambda states, **more: states.get_events_by_type("said", **more), "event_id", True),
    ),
    "events of a commit": (
        lambda kept, name: States(kept).save_event(
            Event(event_id=name, session_id=name, event_type="said", git_commit="c")
        ),
        *(lambda states, **more: states.get_events_by_commit("c", **more), "event_id", True),
    ),
    "transitions": (
        transition,
        lambda states, **more: states.get_state_history("planner", **more),
        "state_after",
        True,
    ),
    "contexts": (
        lambda kept, name: Contexts(kept).save_context(context(name)),
        *(lambda states, **more: Contexts(states._kept).get_active_contexts(**more), "workflow_id", True),
    ),
    "to-do lists": (
        lambda kept, name: TodoLists(kept).save_todolist(name, "s", []),
        *(lambda states, **more: TodoLists(states._kept).list_todolists("s", **more), "todolist_id", False),
    ),
    "history": (
        lambda kept, name: History(kept).append("s", 1, name),
        *(lambda states, **more: History(states._kept).list("s", **more), "thought", False),
    ),
    "history, newest first": (
        lambda kept, name: History(kept).append("s", 1, name),
        *(lambda states, **more: History(states._kept).list("s", newest_first=True, **more), "thought", True),
    ),
}


def test_a_step_lists_its_own_writes_where_the_newest_are_page_by_page(database: Database) -> None:
    for of, (add, listed, name, newest_first) in LISTS.items():
        kept, step = Kept(database, "here", of), Buffered(database, "here", "q1", of)
        for number in range(3):
            add(kept, f"old {number}")
            add(step, f"new {number}")

        def seen(by: Kept, **more: Any) -> tuple[list[str], str | None]:
            found: Any = listed(States(by), **more)  # noqa: B023  (called at once)
            return [getattr(one, name) for one in found], found.next_cursor  # noqa: B023

        wanted = [f"{which} {number}" for which in ("old", "new") for number in range(3)]
        wanted = wanted[::-1] if newest_first else wanted
        assert (of, *seen(step)) == (of, wanted, None)
        for limit in range(1, 7):
            pages, cursor = [], None
            while cursor is not None or not pages:
                page, cursor = seen(step, limit=limit, cursor=cursor)
                pages.append(page)
            assert (of, pages) == (of, [wanted[first : first + limit] for first in range(0, 6, limit)])
        assert (of, *seen(kept)) == (of, [one for one in wanted if one.startswith("old")], None)
        kept.write(step.writes)
        assert (of, *seen(kept)) == (of, wanted, None)


def test_a_key_that_the_step_has_changed_is_listed_once_and_as_it_has_left_it(kept: Kept, step: Buffered) -> None:
    for name in ("a", "b", "c"):
        States(kept).save_agent_state(agent(name, "busy"))
    states = States(step)
    states.update_agent_status("b", "idle")
    states.delete_agent("c")

    def seen(**more: Any) -> list[tuple[str, str]]:
        return [(one.agent_id, one.status) for one in states.list_agents(**more)]

    assert seen() == [("b", "idle"), ("a", "busy")]
    assert (seen(status="busy"), seen(status="idle")) == ([("a", "busy")], [("b", "idle")])
    assert seen(include_deleted=True) == [("b", "idle"), ("c", "busy"), ("a", "busy")]


def test_a_step_lists_of_its_own_writes_what_the_filter_means(kept: Kept, step: Buffered) -> None:
    States(kept).save_task(Task(task_id="old", title="t", assigned_to="me"))
    for number, who in enumerate(("me", "you")):
        States(step).save_task(Task(task_id=f"t{number}", title="t", assigned_to=who))
        Lessons(step).remember("c", "l", f"tool {number}", number, memory_id=f"m{number}")
        Contexts(step).save_context(context(f"w{number}", ("running", "failed")[number]))
    SessionStates(step).save_state("s1", {})

    def recalled(**more: Any) -> list[str]:
        return [one.memory_id for one in Lessons(step).recall(**more)]

    def found(**filters: Any) -> list[str]:
        return [one.workflow_id for one in Contexts(step).search_contexts(filters)]

    assert [one.task_id for one in States(step).get_tasks(assigned_to="me")] == ["t0", "old"]
    assert States(step).get_tasks("done") == []
    assert (recalled(), recalled(min_confidence=1), recalled(tool_name="tool 0")) == (["m1", "m0"], ["m1"], ["m0"])
    assert (recalled(limit=1), Lessons(step).recall(limit=1).newest_only) == (["m1"], True)
    assert (found(), found(status=["failed"]), found(epic=2)) == (["w1", "w0"], ["w1"], [])
    assert (found(since=1), found(until=1), found(story=None)) == (["w1", "w0"], [], ["w1", "w0"])
    assert SessionStates(step).list_sessions() == ["s1"]


def test_a_list_of_a_step_is_limited_and_knows_its_cursors_as_others_do(step: Buffered) -> None:
    for number in range(3):
        States(step).save_agent_state(agent(str(number)))
    cursor = States(step).list_agents(limit=1).next_cursor

    with pytest.raises(PayloadError, match="this cursor is of another list"):
        States(step).list_agents("idle", cursor=cursor)
    for limit in (0, 1_001):
        with pytest.raises(PayloadError, match=f"limit must be 1 to 1,000, not {limit}"):
            States(step).list_agents(limit=limit)
