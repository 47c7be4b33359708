"""The states of sessions: one suite, whatever keeps them."""

from typing import Any

import pytest

from questline_persistence.errors import Conflict, NotFound, PayloadError
from tests.contract.memory.sessions.managers import Managers, OpenManagers, wait, wait_for_all

#: Keys that are no patterns, no paths, and not each other.
HOSTILE = (
    *("%", "_", ".", "..", "...", "/", "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", ".lock", "s1.json", "-rf"),
    *("acme", "acme-corp", "ACME", "acme ", " acme", "acme:s1", "a\nb", "\x1b[31m", "'; DROP TABLE sessions; --", "*"),
    *("é", "e\N{COMBINING ACUTE ACCENT}", "ß", "ss", "\N{GRINNING FACE}" * 255, "x" * 255, "x" * 254, "con", "nul"),
)


def test_save_and_load_state(managers: Managers) -> None:
    state_data = {"mission": "Test mission", "status": "in_progress", "version": 1}
    wait(managers.states.save_state("test-session", state_data))

    loaded = wait(managers.states.load_state("test-session"))

    assert loaded is not None
    assert loaded["mission"] == state_data["mission"]
    assert loaded["status"] == state_data["status"]


def test_list_sessions(managers: Managers) -> None:
    wait(managers.states.save_state("session-1", {"mission": "Test 1"}))
    wait(managers.states.save_state("session-2", {"mission": "Test 2"}))

    sessions = wait(managers.states.list_sessions())

    assert [*sessions] == ["session-1", "session-2"]


def test_where_nothing_was_saved_there_is_nothing(managers: Managers) -> None:
    assert wait(managers.states.load_state("s1")) is None
    assert wait(managers.states.load_with_version("s1")) is None
    assert [*wait(managers.states.list_sessions())] == []


def test_each_save_is_the_next_version_and_the_newest_is_loaded(managers: Managers) -> None:
    versions = [wait(managers.states.save_state("s1", {"n": n, "version": 9})) for n in range(3)]
    found = wait(managers.states.load_with_version("s1"))

    assert versions == [1, 2, 3]
    assert found is not None
    assert (found.session_id, found.version, found.state_data) == ("s1", 3, {"n": 2, "version": 9})
    assert found["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "state",
    [{}, {"a": None, "b": [1, 1.5, True, "ü\n\0"]}, {"n": 2**200, "m": -(2**63)}, {"z": 1, "a": {"z": 1, "a": 2}}],
)
def test_a_state_comes_back_as_it_was_with_its_keys_in_order(managers: Managers, state: dict[str, Any]) -> None:
    wait(managers.states.save_state("s1", state))
    loaded = wait(managers.states.load_state("s1"))
    assert repr(loaded) == repr(state)


def test_what_is_loaded_is_the_callers_own(managers: Managers) -> None:
    state = {"a": [1]}
    wait(managers.states.save_state("s1", state))
    state["a"].append(2)
    assert wait(managers.states.load_state("s1")) == {"a": [1]}


def test_a_save_that_expects_the_version_loaded_is_made(managers: Managers) -> None:
    assert wait(managers.states.save_state("s1", {"n": 1}, expected_version=0)) == 1
    assert wait(managers.states.save_state("s1", {"n": 2}, expected_version=1)) == 2


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_save_that_expects_another_version_is_a_conflict_and_changes_nothing(
    managers: Managers, expected: int
) -> None:
    wait(managers.states.save_state("s1", {"n": 1}))
    wait(managers.states.save_state("s1", {"n": 2}))

    with pytest.raises(Conflict, match="session s1") as raised:
        wait(managers.states.save_state("s1", {"n": 3}, expected_version=expected))

    assert raised.value.expected == expected
    assert raised.value.current == wait(managers.states.load_with_version("s1"))
    assert raised.value.current.version == 2


def test_a_save_that_expects_a_version_of_nothing_is_a_conflict_without_a_current_one(managers: Managers) -> None:
    with pytest.raises(Conflict) as raised:
        wait(managers.states.save_state("s1", {}, expected_version=1))
    assert raised.value.current is None
    assert [*wait(managers.states.list_sessions())] == []


def test_of_many_saves_with_one_expected_version_exactly_one_wins(open_managers: OpenManagers) -> None:
    several = [open_managers().states for _ in range(4)]
    wait(several[0].save_state("s1", {}))
    made = wait_for_all(
        lambda: (one.save_state("s1", {"n": n}, expected_version=1) for n in range(3) for one in several)
    )

    assert [one for one in made if isinstance(one, int)] == [2]
    assert {type(one) for one in made} == {int, Conflict}
    assert {one.current.version for one in made if isinstance(one, Conflict)} == {2}


def test_saves_at_once_are_versions_without_gap(open_managers: OpenManagers) -> None:
    several = [open_managers().states for _ in range(4)]
    made = wait_for_all(lambda: (one.save_state("s1", {"n": n}) for n in range(5) for one in several))
    assert sorted(made) == [*range(1, 21)]


def test_a_deleted_session_is_gone_and_a_later_save_goes_on_counting(managers: Managers) -> None:
    wait(managers.states.save_state("s1", {"n": 1}))
    wait(managers.states.save_state("s2", {"n": 1}))
    wait(managers.states.delete_state("s1"))

    assert wait(managers.states.load_state("s1")) is None
    assert [*wait(managers.states.list_sessions())] == ["s2"]
    with pytest.raises(Conflict) as raised:
        wait(managers.states.save_state("s1", {"n": 2}, expected_version=1))
    assert raised.value.current is None
    assert wait(managers.states.save_state("s1", {"n": 2})) == 3
    assert wait(managers.states.load_state("s1")) == {"n": 2}


def test_a_session_that_is_deleted_takes_its_to_do_lists_along(managers: Managers) -> None:
    wait(managers.states.save_state("s1", {}))
    for name, session in (("a", "s1"), ("b", "s1"), ("c", "s2")):
        wait(managers.todos.save_todolist(name, session, []))
    wait(managers.states.delete_state("s1"))

    assert [*wait(managers.todos.list_todolists("s1"))] == []
    assert wait(managers.todos.load_todolist("a")) is None
    assert wait(managers.todos.load_todolist("c")) is not None


def test_to_delete_what_is_not_there_says_so(managers: Managers) -> None:
    with pytest.raises(NotFound, match="session s1"):
        wait(managers.states.delete_state("s1"))
    wait(managers.states.save_state("s1", {}))
    wait(managers.states.delete_state("s1"))
    with pytest.raises(NotFound, match="session s1"):
        wait(managers.states.delete_state("s1"))


def test_hostile_keys_are_keys_like_others(managers: Managers) -> None:
    for number, name in enumerate(HOSTILE):
        assert wait(managers.states.save_state(name, {"n": number})) == 1, name
    assert [wait(managers.states.load_state(name)) for name in HOSTILE] == [{"n": n} for n in range(len(HOSTILE))]
    assert [*wait(managers.states.list_sessions())] == [*HOSTILE]


@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", "\ud800", 7, None, b"s1"])
def test_what_can_be_no_key_is_refused(managers: Managers, name: Any) -> None:
    for call in (
        managers.states.save_state(name, {}),
        managers.states.load_state(name),
        managers.states.load_with_version(name),
        managers.states.delete_state(name),
    ):
        with pytest.raises(PayloadError, match="session_id"):
            wait(call)


@pytest.mark.parametrize(
    "state", [None, [], "{}", {1: 1}, {"a": {1}}, {"a": float("nan")}, {"a": "x" * 1_000_001}, {"a": "\ud800"}]
)
def test_what_is_no_state_is_refused_and_nothing_changes(managers: Managers, state: Any) -> None:
    wait(managers.states.save_state("s1", {"n": 1}))
    with pytest.raises(PayloadError):
        wait(managers.states.save_state("s1", state))
    found = wait(managers.states.load_with_version("s1"))
    assert found is not None
    assert (found.version, found.state_data) == (1, {"n": 1})


def test_a_state_may_be_as_deep_and_as_large_as_a_payload_and_no_more(managers: Managers) -> None:
    state: dict[str, Any] = {"a": "x" * 900_000}
    for _ in range(99):
        state = {"a": state}
    wait(managers.states.save_state("s1", state))
    assert wait(managers.states.load_state("s1")) == state
    with pytest.raises(PayloadError, match="deeper than 100 levels"):
        wait(managers.states.save_state("s1", {"a": state}))


@pytest.mark.parametrize("expected", [-1, "1", 1.0, True, 2**31])
def test_what_is_no_version_is_refused(managers: Managers, expected: Any) -> None:
    with pytest.raises(PayloadError, match="expected_version"):
        wait(managers.states.save_state("s1", {}, expected_version=expected))


def test_tenants_and_prefixes_keep_keys_apart(open_managers: OpenManagers) -> None:
    scopes = [
        *({"namespace": "acme"}, {"namespace": "acme-corp"}, {"namespace": "acme", "key_prefix": "a"}),
        *({"namespace": "acme", "key_prefix": prefix} for prefix in ("a:", "%", "../..", "A", "x" * 255)),
    ]
    for number, scope in enumerate(scopes):
        wait(open_managers(**scope).states.save_state("s1", {"n": number}))
        wait(open_managers(**scope).todos.save_todolist("t1", "s1", [number]))
    wait(open_managers(**scopes[0]).states.delete_state("s1"))

    for number, scope in [*enumerate(scopes)][1:]:
        assert [*wait(open_managers(**scope).states.list_sessions())] == ["s1"]
        assert wait(open_managers(**scope).states.load_state("s1")) == {"n": number}
        assert [one.plan for one in wait(open_managers(**scope).todos.list_todolists("s1"))] == [[number]]
    assert wait(open_managers(**scopes[0]).states.load_state("s1")) is None


@pytest.mark.parametrize("prefix", ["x" * 256, "a\0b", "\ud800", 7])
def test_what_can_be_no_prefix_is_refused(open_managers: OpenManagers, prefix: Any) -> None:
    with pytest.raises(PayloadError, match="key_prefix"):
        open_managers(key_prefix=prefix)
