"""The same classes in a running step: what they write is held back until the step's result is committed."""

from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.errors import NotFound, PayloadError
from questline_persistence.kinds import SESSIONS, TODO_LISTS
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.sessions import History, Lessons, SessionStates, TodoLists
from questline_persistence.memory.step import Buffered
from questline_persistence.memory.step.buffered import MAX_BYTES, MAX_WRITES
from questline_persistence.store import Database


@pytest.fixture
def step(database: Database) -> Buffered:
    """What a running step keeps."""
    return Buffered(database, "here", "q1")


def test_what_a_step_writes_is_seen_by_it_alone_until_it_is_committed(kept: Kept, step: Buffered) -> None:
    SessionStates(step).save_state("s1", {"mission": "a"})
    TodoLists(step).save_todolist("t1", "s1", ["write"])
    entry = History(step).append("s1", 1, "think")
    lesson = Lessons(step).remember("writing", "write it twice")

    found, todos = SessionStates(step).load_with_version("s1"), TodoLists(step).load_todolist("t1")
    assert found is not None
    assert todos is not None
    assert (found.state_data, found.version, found.timestamp) == ({"mission": "a"}, None, None)
    assert (todos.plan, todos.status, todos.version) == (["write"], "pending", None)
    assert (entry.seq, entry.timestamp, lesson.created_at) == (None, None, None)
    assert (SessionStates(kept).load_state("s1"), TodoLists(kept).load_todolist("t1")) == (None, None)
    assert (History(kept).list("s1"), Lessons(kept).recall()) == ([], [])

    kept.write(step.writes)
    assert SessionStates(kept).load_state("s1") == {"mission": "a"}
    assert [one.plan for one in TodoLists(kept).list_todolists("s1")] == [["write"]]
    assert [one.entry_id for one in History(kept).list("s1")] == [entry.entry_id]
    assert [one.memory_id for one in Lessons(kept).recall("twice")] == [lesson.memory_id]


def test_a_step_deletes_what_is_there_and_nothing_else(kept: Kept, step: Buffered) -> None:
    TodoLists(kept).save_todolist("there", "s1", [])
    lists = TodoLists(step)
    with pytest.raises(NotFound, match="never"):
        lists.delete_todolist("never")
    assert step.writes == ()
    lists.delete_todolist("there")
    with pytest.raises(NotFound, match="there"):
        lists.delete_todolist("there")

    assert lists.load_todolist("there") is None
    assert TodoLists(kept).load_todolist("there") is not None
    kept.write(step.writes)
    assert TodoLists(kept).load_todolist("there") is None


def test_what_a_step_makes_and_deletes_was_never_there(kept: Kept, step: Buffered) -> None:
    TodoLists(step).save_todolist("t1", "s1", [])
    TodoLists(step).delete_todolist("t1")

    assert (TodoLists(step).load_todolist("t1"), step.writes) == (None, ())
    TodoLists(step).save_todolist("t1", "s1", ["again"])
    kept.write(step.writes)
    found = kept.load(TODO_LISTS, "t1")
    assert found is not None
    assert (found.version, found.plan_json) == (1, '["again"]')


@pytest.mark.parametrize(
    "call", [lambda step: SessionStates(step).delete_state("s1"), lambda step: Lessons(step).forget("m1")]
)
def test_a_step_removes_nothing_for_good(kept: Kept, step: Buffered, call: Callable[[Buffered], Any]) -> None:
    SessionStates(kept).save_state("s1", {})
    Lessons(kept).remember("c", "l", memory_id="m1")
    with pytest.raises(PayloadError, match="even if the step failed"):
        call(step)

    assert step.writes == ()
    assert kept.load(SESSIONS, "s1") is not None
    assert len(Lessons(kept).recall()) == 1


def test_a_key_that_is_saved_again_and_again_counts_once(step: Buffered) -> None:
    lists = TodoLists(step)
    for number in range(MAX_WRITES):
        lists.save_todolist(f"t{number}", "s1", [])
    for _ in range(8):
        lists.save_todolist("t0", "s1", ["x" * (MAX_BYTES // 5)])
    assert len(step.writes) == MAX_WRITES
    with pytest.raises(PayloadError, match=f"{MAX_WRITES} things"):
        lists.save_todolist("another", "s1", [])
