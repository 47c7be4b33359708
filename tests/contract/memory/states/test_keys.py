"""Keys, prefixes and tenants are compared, never matched: nobody sees what is another's, whatever it is called."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questline_persistence.memory.models import AgentState, Event, Task
from questline_persistence.memory.states import States

#: Names that mean something to a pattern, a path or a key that is joined of several.
HOSTILE = ("acme", "acme-corp", "acme%", "acm_", "%", "_", ".", ":", "/", "acme:", ":acme", "acme/x", "ACME", " acme")
names = st.one_of(st.sampled_from(HOSTILE), st.text(st.sampled_from("acme%_.:/\\'\"-* ä☃"), min_size=1, max_size=6))
places = st.tuples(names, st.one_of(st.just(""), names), names)


def fill(states: States, name: str, said: str) -> None:
    states.save_agent_state(AgentState(agent_id=name, state_data=said, status=name))
    states.record_state_transition(name, None, said)
    states.create_snapshot(name, said)
    states.save_event(Event(session_id=name, event_type=name, content=said, git_commit=name))
    states.save_task(Task(task_id=name, title=said, assigned_to=name))
    states.start_session(name, session_id=name, mission=said)


def seen(states: States, name: str) -> list[str | None]:
    """Return what is told of a name by every method that finds something by it."""
    state, task, session = states.load_agent_state(name), states.get_task(name), states.get_session(name)
    return [
        *(state and state.state_data, task and task.title, session and session.mission),
        *(one.state_after for one in states.get_state_history(name)),
        *(one.description for one in states.list_snapshots(name)),
        *(one.content for one in states.get_events(name)),
        *(one.content for one in states.get_events_by_type(name)),
        *(one.content for one in states.get_events_by_commit(name)),
        *(one.state_data for one in states.list_agents(name)),
        *(one.title for one in states.get_tasks(assigned_to=name)),
        *(one.mission for one in states.get_sessions(name)),
    ]


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chosen=st.lists(places, min_size=2, max_size=5, unique=True), run=st.uuids())
def test_cve_2026_71433_langgraph_8300_langgraphjs_2512_no_name_reaches_anothers(
    open_states: Callable[..., States], chosen: list[tuple[str, str, str]], run: object
) -> None:
    # The store is one for all examples: each has tenants of its own.
    own = [(open_states(f"{namespace}{run}", prefix), name) for namespace, prefix, name in chosen]
    for number, (states, name) in enumerate(own):
        fill(states, name, f"said{number}")

    for number, (states, name) in enumerate(own):
        assert seen(states, name) == [f"said{number}"] * 11
        siblings = [other for other, place in zip(own, chosen, strict=True) if place[:2] == chosen[number][:2]]
        assert {one.agent_id for one in states.list_agents()} == {other for _, other in siblings}
        assert [one.agent_id for one in states.search_agents(f"said{number}")] == [name]
        assert [one.session_id for one in states.search_events(f"said{number}")] == [name]


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE agent_states; --", "' OR '1'='1", '") OR 1=1 --', ":agent_id", "%(x)s", "?"]
)
def test_what_reads_like_sql_is_a_name_and_a_text_like_others(states: States, name: str) -> None:
    fill(states, "planner", "kept")
    fill(states, name, name)

    assert seen(states, name) == [name] * 11
    assert seen(states, "planner") == ["kept"] * 11
    assert states.list_agents(f"{name} ") == states.search_events(f"{name} nowhere") == []


@pytest.mark.parametrize(("mine", "other"), [("acme", "acme-corp"), ("acme", ""), ("a", "%"), ("a", "_"), ("a:b", "a")])
def test_what_is_removed_under_one_prefix_stays_under_another(
    open_states: Callable[..., States], mine: str, other: str
) -> None:
    states, siblings = open_states(prefix=mine), open_states(prefix=other)
    for one in (states, siblings):
        fill(one, "planner", "kept")
    states.purge_agent("planner")
    states.delete_task("planner")
    states.end_session("planner", status="gone")

    assert seen(siblings, "planner") == ["kept"] * 11
    session = siblings.get_session("planner")
    assert session is not None
    assert session.status == "active"


def test_lists_of_one_prefix_refuse_no_cursor_but_find_nothing_of_anothers(open_states: Callable[..., States]) -> None:
    states, other = open_states(prefix="a"), open_states(prefix="b")
    for number in range(3):
        states.save_agent_state(AgentState(agent_id=str(number)))
    cursor = states.list_agents(limit=1).next_cursor

    assert other.list_agents(cursor=cursor) == []
