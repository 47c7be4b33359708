"""Agents: saved version by version, loaded, listed, deleted, restored, purged."""

import base64
import json
from collections.abc import Callable

import pytest

from questline_persistence.errors import Conflict, NotFound, PayloadError
from questline_persistence.memory.models import AgentState, Task
from questline_persistence.memory.states import States


def agent(agent_id: str = "planner", data: str = "", **fields: object) -> AgentState:
    return AgentState(agent_id=agent_id, state_data=data, **fields)  # type: ignore[arg-type]


def test_an_agent_is_loaded_as_it_was_saved(states: States) -> None:
    state = agent(
        name="Planner", status="busy", data='{"goal": "ship"}', metadata={"model": "m1", "deep": [1, {"a": None}]}
    )
    saved = states.save_agent_state(state)

    assert saved.model_copy(update={"version": None, "created_at": None, "updated_at": None}) == state
    assert (saved.version, saved.created_at) == (1, saved.updated_at)
    assert states.load_agent_state("planner") == saved
    assert states.load_agent_state("nobody") is None


#: What a program's own serializer has made of a state, as text.
PACKED = base64.b64encode(bytes(range(256))).decode()


@pytest.mark.parametrize("data", ["", "plain", '{"a": 1}', "ümläut ☃ 漢", '{"broken', "a\nb\tc", "9" * 1_000, PACKED])
def test_state_data_is_text_of_any_form(states: States, data: str) -> None:
    states.save_agent_state(agent(data=data))
    found = states.load_agent_state("planner")
    assert found is not None
    assert found.state_data == data


def test_each_save_is_a_version_and_every_version_can_be_loaded(states: States) -> None:
    made = [states.save_agent_state(agent(data=text, status=f"s{text}")) for text in "abc"]

    assert [one.version for one in made] == [1, 2, 3]
    assert len({one.created_at for one in made}) == 1
    assert [states.load_agent_state("planner", version=number) for number in (1, 2, 3, 4)] == [*made, None]
    assert [states.load_agent_state("planner", as_of=one.updated_at) for one in made] == made
    assert states.load_agent_state("planner", as_of=1) is None
    with pytest.raises(PayloadError, match="cannot load agent state planner: give version or as_of, not both"):
        states.load_agent_state("planner", version=1, as_of=1)


def test_a_save_with_an_old_version_conflicts_and_tells_the_present_one(states: States) -> None:
    first = states.save_agent_state(agent(data="a"))
    second = states.save_agent_state(agent(data="b"), expected_version=first.version)

    with pytest.raises(
        Conflict, match="cannot save agent state planner: it is at version 2; version 1 was expected"
    ) as error:
        states.save_agent_state(agent(data="c"), expected_version=1)
    assert (error.value.current, error.value.expected) == (second, 1)
    assert states.load_agent_state("planner") == second
    with pytest.raises(Conflict, match="cannot save agent state nobody: nothing is there now") as error:
        states.save_agent_state(agent("nobody"), expected_version=1)
    assert error.value.current is None
    assert states.save_agent_state(agent("somebody"), expected_version=0).version == 1
    with pytest.raises(PayloadError, match="expected_version must be 0 or more"):
        states.save_agent_state(agent(), expected_version=-1)


def test_agents_are_listed_newest_first_and_by_status(states: States) -> None:
    for number in range(5):
        states.save_agent_state(agent(f"a{number}", status="busy" if number % 2 else "idle"))

    assert [one.agent_id for one in states.list_agents()] == ["a4", "a3", "a2", "a1", "a0"]
    assert [one.agent_id for one in states.list_agents("busy")] == ["a3", "a1"]
    assert states.list_agents("away") == []


def test_a_list_goes_on_behind_its_cursor_and_refuses_another_lists(states: States) -> None:
    for number in range(5):
        states.save_agent_state(agent(f"a{number}"))
    pages, cursor = [], None
    for _ in range(3):
        page = states.list_agents(limit=2, cursor=cursor)
        pages.append([one.agent_id for one in page])
        cursor = page.next_cursor

    assert (pages, cursor) == ([["a4", "a3"], ["a2", "a1"], ["a0"]], None)
    first = states.list_agents(limit=2).next_cursor
    with pytest.raises(PayloadError, match="cannot list agents: this cursor is of another list"):
        states.list_agents("idle", cursor=first)
    with pytest.raises(PayloadError, match="is not a cursor"):
        states.list_agents(cursor="nonsense")
    for limit in (0, 1_001):
        with pytest.raises(PayloadError, match="limit must be 1 to 1,000"):
            states.list_agents(limit=limit)


def test_a_status_is_set_as_a_version_and_noted_with_its_reason(states: States) -> None:
    states.save_agent_state(agent(data="a", name="P"))
    changed = states.update_agent_status("planner", "busy", reason="work has come")

    assert (changed.version, changed.status, changed.state_data, changed.name) == (2, "busy", "a", "P")
    assert states.load_agent_state("planner") == changed
    (change,) = states.get_state_history("planner")
    assert (change.seq, change.state_before, change.state_after, change.reason) == (1, "idle", "busy", "work has come")
    with pytest.raises(Conflict, match="cannot update the status of agent planner: it is at version 2; version 1"):
        states.update_agent_status("planner", "idle", expected_version=1)
    with pytest.raises(NotFound, match="cannot update the status of agent nobody: there is none"):
        states.update_agent_status("nobody", "busy")
    assert len(states.get_state_history("planner")) == 1


def test_a_deleted_agent_is_gone_and_its_versions_stay(states: States) -> None:
    first = states.save_agent_state(agent(data="a"))

    states.delete_agent("planner", reason="not needed")
    assert (states.load_agent_state("planner"), states.list_agents()) == (None, [])
    assert states.load_agent_state("planner", version=1) == first
    assert states.load_agent_state("planner", version=2) is None
    (shown,) = states.list_agents(include_deleted=True)
    assert (shown.version, shown.state_data, shown.deleted_at) == (2, "a", shown.updated_at)
    assert [(one.state_after, one.reason) for one in states.get_state_history("planner")] == [("deleted", "not needed")]
    with pytest.raises(Conflict, match="version 1 was expected"):
        states.save_agent_state(agent(), expected_version=1)
    assert states.save_agent_state(agent(data="b")).version == 3
    with pytest.raises(Conflict, match="cannot delete agent planner: it is at version 3"):
        states.delete_agent("planner", expected_version=1)


def test_to_delete_or_purge_an_agent_that_is_not_there_says_so(states: States) -> None:
    states.save_agent_state(agent())
    states.delete_agent("planner")

    for name in ("planner", "nobody"):
        with pytest.raises(NotFound, match=f"cannot delete agent {name}: there is none"):
            states.delete_agent(name)
        with pytest.raises(NotFound, match=f"cannot delete agent {name}: there is none"):
            states.delete_agent(name, expected_version=2)
    states.purge_agent("planner")
    for name in ("planner", "nobody"):
        with pytest.raises(NotFound, match=f"cannot purge agent {name}: there is nothing of it"):
            states.purge_agent(name)
    assert [one.state_after for one in states.get_state_history("planner")] == []


def test_an_older_version_is_restored_as_a_new_one(states: States) -> None:
    for text, status in (("a", "one"), ("b", "two")):
        states.save_agent_state(agent(data=text, status=status, metadata={"is": text}))
    restored = states.restore_agent_state("planner", 1)

    assert (restored.version, restored.state_data, restored.status, restored.metadata) == (3, "a", "one", {"is": "a"})
    assert states.load_agent_state("planner") == restored
    (change,) = states.get_state_history("planner")
    assert (change.state_before, change.state_after, change.reason) == ("two", "one", "restored from version 1")
    with pytest.raises(NotFound, match="cannot restore agent state planner: there is no version 9"):
        states.restore_agent_state("planner", 9)
    with pytest.raises(Conflict, match="it is at version 3"):
        states.restore_agent_state("planner", 1, expected_version=2)


def test_a_deleted_agent_is_restored(states: States) -> None:
    states.save_agent_state(agent(data="apples"))
    states.delete_agent("planner")
    restored = states.restore_agent_state("planner", 1)

    assert (restored.version, states.load_agent_state("planner")) == (3, restored)
    assert [one.agent_id for one in states.search_agents("apples")] == ["planner"]
    assert [one.state_after for one in states.get_state_history("planner")] == ["idle", "deleted"]


def test_a_purged_agent_leaves_nothing_but_its_count(states: States) -> None:
    states.save_agent_state(agent(data="secret"))
    states.update_agent_status("planner", "busy")
    snapshot = states.create_snapshot("planner")

    states.purge_agent("planner")
    assert states.load_agent_state("planner") is None
    assert states.load_agent_state("planner", version=1) is None
    assert (states.list_agents(include_deleted=True), states.search_agents("secret")) == ([], [])
    assert (states.get_state_history("planner"), states.list_snapshots("planner")) == ([], [])
    assert states.get_snapshot(snapshot) is None
    with pytest.raises(Conflict):
        states.save_agent_state(agent(), expected_version=2)
    assert states.save_agent_state(agent()).version == 4


def test_an_update_saves_what_the_function_makes_of_the_present_state(states: States) -> None:
    def count(state: AgentState | None) -> AgentState:
        return agent(data=str(int(state.state_data) + 1 if state else 1))

    assert [states.update("planner", count).state_data for _ in range(3)] == ["1", "2", "3"]
    states.delete_agent("planner")
    assert (states.update("planner", count).state_data, states.load_agent_state("planner").version) == ("1", 5)  # type: ignore[union-attr]


def test_an_update_begins_anew_after_a_conflict_and_gives_up_in_the_end(states: States) -> None:
    states.save_agent_state(agent(data="0"))
    seen = []

    def slow(state: AgentState | None, *, others: int) -> AgentState:
        assert state is not None
        seen.append(state.version)
        if len(seen) <= others:
            states.save_agent_state(agent(data="other"))
        return agent(data=f"{state.state_data}!")

    assert states.update("planner", lambda state: slow(state, others=2)).state_data == "other!"
    assert seen == [1, 2, 3]
    seen.clear()
    with pytest.raises(Conflict, match="cannot update agent state planner: it is at version 7; version 6 was expected"):
        states.update("planner", lambda state: slow(state, others=9), tries=3)
    assert len(seen) == 3


def test_an_update_refuses_what_is_no_state_of_the_agent(states: States) -> None:
    states.save_agent_state(agent())
    with pytest.raises(PayloadError, match="takes an object of AgentState, not NoneType"):
        states.update("planner", lambda _: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(PayloadError, match="the state of another agent, other"):
        states.update("planner", lambda _: agent("other"))
    with pytest.raises(PayloadError, match="tries must be 1 or more"):
        states.update("planner", lambda _: agent(), tries=0)


def test_a_batch_of_states_is_saved_as_a_whole_or_not_at_all(states: States) -> None:
    made = states.save_agent_states([agent("b"), agent("a"), agent("b", "again")])
    assert [(one.agent_id, one.version) for one in made] == [("b", 1), ("a", 1), ("b", 2)]

    with pytest.raises(Conflict, match="cannot save agent states: agent b: it is at version 2; version 1") as error:
        states.save_agent_states([made[1], made[0], agent("new")], guarded=True)
    assert error.value.current == made[2]
    assert [states.load_agent_state(name) for name in ("a", "b", "new")] == [made[1], made[2], None]
    assert [one.version for one in states.save_agent_states([made[1], made[2]], guarded=True)] == [2, 3]
    assert states.save_agent_states([]) == []


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ([agent(), {"agent_id": "a"}], "takes an object of AgentState, not dict"),
        (agent(), "states is a list, not AgentState"),
        ([agent(str(number)) for number in range(1_001)], "one call takes at most 1,000 states"),
    ],
)
def test_a_batch_that_is_none_is_refused(states: States, wrong: list[AgentState], what: str) -> None:
    with pytest.raises(PayloadError, match=f"cannot save agent states: .*{what}"):
        states.save_agent_states(wrong)
    assert states.list_agents() == []


def test_a_state_that_is_too_large_is_refused_with_the_setting_that_allows_it(states: States) -> None:
    states.save_agent_state(agent(data="x" * 999_998))
    with pytest.raises(PayloadError, match="cannot save agent state planner: it is 1,000,001 bytes") as error:
        states.save_agent_state(agent(data="x" * 999_999))
    assert "QUESTLINE_MAX_MEMORY_BYTES" in str(error.value.hint)
    with pytest.raises(PayloadError, match="cannot save agent state planner: metadata is") as error:
        states.save_agent_state(agent(metadata={"x": "x" * 1_000_000}))
    assert "QUESTLINE_MAX_MEMORY_BYTES" in str(error.value.hint)


@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", "\ud800", 7, None])
def test_a_key_that_is_none_is_refused_in_words(states: States, name: object) -> None:
    calls: list[Callable[..., object]] = [
        *(states.load_agent_state, states.delete_agent, states.purge_agent, states.create_snapshot),
        *(states.get_state_history, states.list_snapshots, states.get_events, states.get_task, states.get_session),
    ]
    for call in calls:
        with pytest.raises(PayloadError, match=r"cannot \w+ .*: "):
            call(name)


def test_what_is_no_record_is_refused(states: States) -> None:
    with pytest.raises(PayloadError, match="takes an object of AgentState, not Task"):
        states.save_agent_state(Task(title="x"))  # type: ignore[arg-type]
    changed = agent()
    changed.status = 7  # type: ignore[assignment]
    with pytest.raises(PayloadError, match="status"):
        states.save_agent_state(changed)
    with pytest.raises(PayloadError, match="metadata is not JSON"):
        states.save_agent_state(agent(metadata={"a": {1, 2}}))


def test_what_is_json_in_metadata_stays_so(states: States) -> None:
    metadata = json.loads('{"big": 123456789012345678901234567890, "f": 1.0, "t": true, "n": null, "": ""}')
    states.save_agent_state(agent(metadata=metadata))
    found = states.load_agent_state("planner")
    assert found is not None
    assert found.metadata == metadata
