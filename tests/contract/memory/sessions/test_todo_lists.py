"""The to-do lists of sessions: one suite, whatever keeps them."""

from typing import Any

import pytest

from questline_persistence.errors import Conflict, NotFound, PayloadError
from tests.contract.memory.sessions.managers import Managers, OpenManagers, wait, wait_for_all
from tests.contract.memory.sessions.test_states import HOSTILE


def test_a_list_comes_back_as_it_was_saved(managers: Managers) -> None:
    plan = [{"id": 1, "text": "Read", "done": True}, {"id": 2, "text": "Write", "n": 2**100}]
    assert wait(managers.todos.save_todolist("t1", "s1", plan, "in_progress")) == 1

    found = wait(managers.todos.load_todolist("t1"))

    assert found is not None
    assert (found.todolist_id, found.session_id, found.plan, found.status) == ("t1", "s1", plan, "in_progress")
    assert (found["version"], found.deleted_at) == (1, None)
    assert found.created_at == found.updated_at


def test_a_list_is_pending_unless_it_says_otherwise_and_its_plan_may_be_an_object(managers: Managers) -> None:
    wait(managers.todos.save_todolist("t1", "s1", {"steps": []}))
    found = wait(managers.todos.load_todolist("t1"))
    assert found is not None
    assert (found.status, found.plan) == ("pending", {"steps": []})


def test_a_list_that_is_saved_again_is_its_next_version(managers: Managers) -> None:
    assert [wait(managers.todos.save_todolist("t1", "s1", [n])) for n in range(3)] == [1, 2, 3]
    found = wait(managers.todos.load_todolist("t1"))
    assert found is not None
    assert (found.version, found.plan) == (3, [2])
    assert found.created_at is not None
    assert found.updated_at is not None
    assert found.created_at < found.updated_at


def test_lists_are_told_by_their_session_the_first_one_first(managers: Managers) -> None:
    for name, session in (("b", "s1"), ("c", "s2"), ("a", "s1")):
        wait(managers.todos.save_todolist(name, session, []))
    wait(managers.todos.save_todolist("b", "s1", [1]))

    assert [one.todolist_id for one in wait(managers.todos.list_todolists("s1"))] == ["b", "a"]
    assert [*wait(managers.todos.list_todolists("s"))] == []


def test_of_many_saves_with_one_expected_version_exactly_one_wins(open_managers: OpenManagers) -> None:
    several = [open_managers().todos for _ in range(4)]
    made = wait_for_all(
        lambda: (one.save_todolist("t1", "s1", [n], expected_version=0) for n in range(3) for one in several)
    )

    assert [one for one in made if isinstance(one, int)] == [1]
    found = wait(several[0].load_todolist("t1"))
    assert [one.current for one in made if isinstance(one, Conflict)] == [found] * 11


def test_a_deleted_list_is_gone_and_a_later_save_goes_on_counting(managers: Managers) -> None:
    wait(managers.todos.save_todolist("t1", "s1", [1]))
    wait(managers.todos.delete_todolist("t1"))

    assert wait(managers.todos.load_todolist("t1")) is None
    assert [*wait(managers.todos.list_todolists("s1"))] == []
    with pytest.raises(NotFound, match="t1"):
        wait(managers.todos.delete_todolist("t1"))
    with pytest.raises(Conflict):
        wait(managers.todos.save_todolist("t1", "s1", [2], expected_version=1))
    assert wait(managers.todos.save_todolist("t1", "s1", [2])) == 3


def test_to_delete_what_is_not_there_says_so(managers: Managers) -> None:
    with pytest.raises(NotFound, match="t1"):
        wait(managers.todos.delete_todolist("t1"))


def test_hostile_keys_are_keys_like_others(managers: Managers) -> None:
    for name in HOSTILE:
        assert wait(managers.todos.save_todolist(name, name, [name])) == 1, name
    for name in HOSTILE:
        assert [one.plan for one in wait(managers.todos.list_todolists(name))] == [[name]]


@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", "\ud800", 7, None])
def test_what_can_be_no_key_is_refused(managers: Managers, name: Any) -> None:
    for call in (
        managers.todos.save_todolist(name, "s1", []),
        managers.todos.load_todolist(name),
        managers.todos.delete_todolist(name),
    ):
        with pytest.raises(PayloadError, match="todolist_id"):
            wait(call)
    for call in (managers.todos.save_todolist("t1", name, []), managers.todos.list_todolists(name)):
        with pytest.raises(PayloadError, match="session_id"):
            wait(call)


@pytest.mark.parametrize("plan", [None, "[]", 1, [{1}], {1: 1}, ["x" * 1_000_001]])
def test_what_is_no_plan_is_refused_and_nothing_changes(managers: Managers, plan: Any) -> None:
    with pytest.raises(PayloadError):
        wait(managers.todos.save_todolist("t1", "s1", plan))
    assert wait(managers.todos.load_todolist("t1")) is None
