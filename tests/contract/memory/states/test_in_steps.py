"""What the methods of a state store do in a running step: hold back what can be, and refuse what cannot."""

from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.errors import Conflict, NotFound, PayloadError
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState, Event, Task
from questline_persistence.memory.states import States
from questline_persistence.memory.step import Remembering
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.records.kept_quests import KeptQuests
from questline_persistence.store import Database


@pytest.fixture
def in_step(database: Database) -> States:
    """The states that a handler reaches through its context."""
    found: States = Remembering(database, "here", "quest").noun("state")
    return found


def test_what_cannot_be_held_back_is_refused_in_a_step(states: States, in_step: States) -> None:
    states.start_session("planner", session_id="s")
    calls: list[Callable[[], object]] = [
        lambda: in_step.start_session("planner"),
        lambda: in_step.end_session("s"),
        in_step.remove_expired_snapshots,
        lambda: in_step.purge_agent("planner"),
    ]
    for call in calls:
        with pytest.raises(PayloadError, match=r"cannot .*: a step cannot .* even if the step failed"):
            call()
    (session,) = states.get_sessions()
    assert session.ended_at is None


def test_a_snapshot_of_what_the_step_has_written_is_refused(states: States, in_step: States) -> None:
    states.save_agent_state(AgentState(agent_id="planner", state_data="a"))
    in_step.create_snapshot("planner")
    in_step.save_agent_state(AgentState(agent_id="planner", state_data="b"))
    with pytest.raises(PayloadError, match="cannot create a snapshot of agent planner: this step has written it"):
        in_step.create_snapshot("planner")
    assert states.list_snapshots("planner") == []


def test_a_status_is_held_back_with_its_transition(states: States, in_step: States) -> None:
    states.save_agent_state(AgentState(agent_id="planner", state_data="a"))
    changed = in_step.update_agent_status("planner", "busy", reason="why")

    assert (changed.status, changed.version) == ("busy", None)
    seen = in_step.load_agent_state("planner")
    assert seen is not None
    assert (seen.status, seen.state_data) == ("busy", "a")
    assert states.get_state_history("planner") == []


def keep_quest(database: Database) -> None:
    """Keep the quest whose own things a step writes."""
    quest = QuestExecutionData(quest_id="quest", quest_type="t", execution_stack=[LordStep("a", "work")])
    KeptQuests(database, "here").save(quest)


def commit(database: Database, work: Callable[[Any], object]) -> None:
    """Write what a step of the quest keeps."""
    remembering = Remembering(database, "here", "quest")
    work(remembering.noun("state"))
    Kept(database, "here").write(remembering.writes)


def test_a_quests_own_snapshots_and_events_are_its_own(database: Database, states: States) -> None:
    keep_quest(database)
    states.save_agent_state(AgentState(agent_id="planner", state_data="shared"))
    shared = states.create_snapshot("planner")
    commit(database, lambda own: own.own.save_agent_state(AgentState(agent_id="planner", state_data="a")))
    commit(database, lambda own: own.own.create_snapshot("planner"))
    commit(database, lambda own: own.own.save_event(Event(session_id="s", event_type="said")))
    commit(database, lambda own: own.own.save_agent_state(AgentState(agent_id="planner", state_data="b")))

    found: Any = Remembering(database, "here", "quest").noun("state")
    for door in (found, found.own):
        (snapshot,) = door.list_snapshots("planner")
        with pytest.raises(NotFound, match="cannot restore snapshot"):
            door.restore_snapshot(shared)
    assert [event.event_type for event in found.own.get_events("s")] == ["said"]
    commit(database, lambda own: own.own.restore_snapshot(snapshot.snapshot_id))
    assert found.own.load_agent_state("planner").state_data == "a"
    assert [one.state_data for one in (states.load_agent_state("planner"),) if one] == ["shared"]


def test_what_is_named_like_an_agent_of_the_quests_own_is_shared(database: Database, states: States) -> None:
    def work(in_step: Any) -> None:
        in_step.own.save_agent_state(AgentState(agent_id="planner", state_data="own"))
        in_step.save_task(Task(task_id="planner", title="plan"))
        in_step.save_event(Event(session_id="planner", event_type="said"))
        assert in_step.get_task("planner").title == "plan"
        in_step.update_agent_status("planner", "busy")

    keep_quest(database)
    states.start_session("planner", session_id="planner")
    states.save_event(Event(session_id="planner", event_type="begun"))
    commit(database, work)

    assert [task.task_id for task in states.get_tasks()] == ["planner"]
    assert [event.event_type for event in states.get_events("planner")] == ["begun", "said"]
    found: Any = Remembering(database, "here", "quest").noun("state")
    assert (found.get_task("planner").title, found.get_session("planner").agent_id) == ("plan", "planner")
    assert len(found.get_events("planner")) == 2
    assert (found.load_agent_state("planner").status, states.load_agent_state("planner")) == ("busy", None)
    assert [change.state_after for change in found.get_state_history("planner")] == ["busy"]


def test_an_event_of_one_id_says_one_thing_in_a_step(in_step: States) -> None:
    in_step.save_event(Event(event_id="e1", session_id="s", event_type="said"))
    in_step.save_event(Event(event_id="e1", session_id="s", event_type="said"))
    with pytest.raises(Conflict, match="event e1 is written twice"):
        in_step.save_event(Event(event_id="e1", session_id="s", event_type="done"))
