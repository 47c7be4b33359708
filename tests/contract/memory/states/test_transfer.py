"""Agents as plain JSON data, taken from one store, tenant or prefix to another."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.errors import Conflict, NotFound, PayloadError
from questline_persistence.memory.models import AgentState, Event
from questline_persistence.memory.states import States
from questline_persistence.memory.states import transfer as the_transfer


def live(states: States) -> None:
    """Have an agent live through everything that an export tells of."""
    states.save_agent_state(AgentState(agent_id="planner", state_data="apples", metadata={"n": 1}))
    states.update_agent_status("planner", "busy", reason="work")
    states.create_snapshot("planner", "here")
    states.create_snapshot("planner", expires_in=3_600)
    states.delete_agent("planner")
    states.save_agent_state(AgentState(agent_id="planner", state_data="pears"))
    session = states.start_session("planner", mission="m")
    states.save_events([Event(session_id=session.session_id, event_type="said", content=text) for text in "zab"])
    states.end_session(session.session_id, status="failed")
    states.start_session("planner")


def without_times(told: Any) -> Any:
    """Return an export without what is of the moment at which it was kept."""
    if isinstance(told, list):
        return [without_times(one) for one in told]
    if isinstance(told, dict):
        times = {"saved_at", "created_at", "updated_at", "started_at", "ended_at"}
        return {name: without_times(value) for name, value in told.items() if name not in times and name != "op"}
    return told


def test_an_agent_that_was_exported_is_imported_as_it_was(open_states: Callable[..., States]) -> None:
    states, other = open_states(), open_states(prefix="backup")
    live(states)
    data = json.loads(json.dumps(states.export_agent("planner")))
    restored = other.import_agent(data)

    assert restored == other.load_agent_state("planner")
    assert restored is not None
    assert (restored.version, restored.state_data) == (4, "pears")
    again = other.export_agent("planner")
    assert without_times(again) == without_times(data)
    assert [one["op"] for one in again["versions"]] == ["import", "import", "delete", "import"]
    assert [one.agent_id for one in other.search_agents("pears")] == ["planner"]
    assert other.search_agents("apples") == []


def test_an_agent_is_imported_only_where_none_of_its_name_was_saved(open_states: Callable[..., States]) -> None:
    states, other = open_states(), open_states("there")
    live(states)
    there = other.save_agent_state(AgentState(agent_id="planner", state_data="own"))
    with pytest.raises(Conflict, match="cannot import an agent: agent planner was saved here before") as error:
        other.import_agent(states.export_agent("planner"))

    assert error.value.current == there
    assert "key_prefix" in str(error.value.hint)
    assert (other.get_state_history("planner"), other.list_snapshots("planner")) == ([], [])


def test_a_deleted_agent_is_imported_as_deleted(open_states: Callable[..., States]) -> None:
    states, other = open_states(), open_states("there")
    states.save_agent_state(AgentState(agent_id="planner", state_data="x"))
    states.delete_agent("planner")

    assert other.import_agent(states.export_agent("planner")) is None
    assert other.load_agent_state("planner", version=1) is not None
    assert other.load_agent_state("planner") is None


@pytest.mark.parametrize(
    "wrong",
    [{}, {"format": "other"}, {"format": the_transfer.FORMAT}, {"format": the_transfer.FORMAT, "agent_id": "a"}, 7],
)
def test_what_is_no_export_is_refused(states: States, wrong: Any) -> None:
    with pytest.raises(PayloadError, match=r"cannot import an agent: (this is no export|an export is an object)"):
        states.import_agent(wrong)


def test_what_is_not_there_or_too_much_is_not_exported(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="cannot export agent planner: there is none"):
        states.export_agent("planner")
    live(states)
    monkeypatch.setattr(the_transfer, "MAX_EXPORTED", 3)
    with pytest.raises(PayloadError, match="cannot export agent planner: there are more than 3 of a kind"):
        states.export_agent("planner")
