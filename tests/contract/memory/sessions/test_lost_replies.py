"""A COMMIT whose reply is lost is sent again, and what it has done is neither done twice nor taken for a failure."""

from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.errors import NotFound
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.sessions import History, Lessons, SessionStates, TodoLists
from tests.contract.quests import lost_reply

#: By what is done: the call, and what is there afterwards.
CALLS: dict[str, tuple[Callable[[Kept], Any], Callable[[Kept], Any], Any]] = {
    "save a state": (
        lambda kept: SessionStates(kept).save_state("s1", {"n": 2}, expected_version=1),
        lambda kept: [found.version if (found := SessionStates(kept).load_with_version("s1")) else None],
        [2],
    ),
    "append": (
        lambda kept: History(kept).append("s1", 2),
        lambda kept: [entry.seq for entry in History(kept).list("s1")],
        [1, 2],
    ),
    "remember": (
        lambda kept: Lessons(kept).remember("c", "another"),
        lambda kept: [one.lesson for one in Lessons(kept).recall()],
        ["another", "l"],
    ),
    "forget": (lambda kept: Lessons(kept).forget("m1"), lambda kept: [*Lessons(kept).recall()], []),
    "delete a list": (
        lambda kept: TodoLists(kept).delete_todolist("t1"),
        lambda kept: [*TodoLists(kept).list_todolists("s1")],
        [],
    ),
    "delete a session": (
        lambda kept: SessionStates(kept).delete_state("s1"),
        lambda kept: [*SessionStates(kept).list_sessions(), *TodoLists(kept).list_todolists("s1")],
        [],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_done_is_done_once(kept: Kept, name: str) -> None:
    SessionStates(kept).save_state("s1", {"n": 1})
    TodoLists(kept).save_todolist("t1", "s1", [])
    History(kept).append("s1", 1)
    Lessons(kept).remember("c", "l", memory_id="m1")
    call, there, wanted = CALLS[name]

    with lost_reply(kept.database):
        call(kept)

    assert there(kept) == wanted
    if name.startswith(("forget", "delete")):
        with pytest.raises(NotFound):
            call(kept)
