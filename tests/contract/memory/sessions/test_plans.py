"""Sessions and lessons are found through indexes, in a store of many and whatever the length of their histories."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from questline_persistence.kinds import HISTORY, MEMORIES, SESSIONS, TODO_LISTS
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.sessions import History, Lessons, SessionStates, TodoLists
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Remembered, Saves
from tests.integration.persistence.looks import Observer

#: How many sessions, lists and lessons there are, how many versions and entries one of the sessions has.
MANY, LISTS = 1_000, 3_000
#: What leads to a session and its newest state.
STATE = {"uq_sessions_key", "uq_states_key", "pk_states"}
LIST = {"uq_todo_lists_key", "uq_todo_list_versions_key", "pk_todo_list_versions"}

#: By what is asked: the call, which indexes it may go by, and how many rows it may read at most.
CALLS: dict[str, tuple[Callable[[Kept], Any], set[str], int]] = {
    "load a state": (lambda kept: SessionStates(kept).load_state("long"), STATE, 5),
    "save a state": (lambda kept: SessionStates(kept).save_state("long", {"a": "new"}), STATE, 10),
    "list sessions": (lambda kept: SessionStates(kept).list_sessions(limit=10), {"ix_sessions_created_at"}, 11),
    "load a to-do list": (lambda kept: TodoLists(kept).load_todolist("7"), LIST, 5),
    "list to-do lists": (
        lambda kept: TodoLists(kept).list_todolists("s7", limit=5),
        LIST - {"uq_todo_lists_key"} | {"ix_todo_lists_session_id"},
        30,
    ),
    "append to a history": (lambda kept: History(kept).append("long", 1), STATE, 10),
    "list a history": (
        lambda kept: History(kept).list("long", limit=10, newest_first=True),
        {"ix_execution_history_session_id"},
        11,
    ),
    "recall the newest": (lambda kept: Lessons(kept).recall(limit=10), {"ix_memories_created_at"}, 13),
    "recall by tool": (
        lambda kept: Lessons(kept).recall(tool_name="tool 7", limit=10),
        {"ix_memories_tool_name"},
        11,
    ),
    "forget": (
        lambda kept: Lessons(kept).forget(Lessons(kept).recall(limit=1)[0].memory_id),
        {"ix_memories_created_at", "uq_memories_memory_id", "uq_memory_texts_ref"},
        12,
    ),
}


@pytest.fixture
def crowded(database_url: str) -> Iterator[Kept]:
    """A store of many sessions, lists and lessons."""
    database = Database(database_url)
    kept = Kept(database, "here")
    for some in (sessions(kept), long_session(kept), lists(kept), lessons(kept)):
        kept.write(some)
    database.write(lambda connection: connection.execute(text("ANALYZE")))
    yield kept
    database.close()


def state(kept: Kept, name: str, number: int) -> Saves:
    body = {"state_json": f'{{"n": {number}}}'}
    return Saves(SESSIONS, kept.key(name), columns={"mission": "", "status": "pending"}, body=body)


def sessions(kept: Kept) -> list[Remembered]:
    return [state(kept, f"s{number}", number) for number in range(MANY)]


def long_session(kept: Kept) -> list[Remembered]:
    entries = (
        Enters(HISTORY, kept.namespace, kept.prefix, str(number), {"step_id": number}, stream="long")
        for number in range(MANY)
    )
    return [*(state(kept, "long", number) for number in range(MANY)), *entries]


def lists(kept: Kept) -> list[Remembered]:
    return [
        Saves(
            TODO_LISTS,
            kept.key(str(number)),
            columns={"session_id": f"s{number % 250}", "status": "pending"},
            body={"plan_json": f"[{number}]"},
        )
        for number in range(LISTS)
    ]


def lessons(kept: Kept) -> list[Remembered]:
    return [
        Enters(
            MEMORIES,
            kept.namespace,
            kept.prefix,
            str(number),
            {"context": "c", "lesson": f"l{number}", "tool_name": f"tool {number % 10}", "confidence": number},
        )
        for number in range(MANY)
    ]


def test_what_is_asked_goes_through_indexes(crowded: Kept) -> None:
    for plans in ("for these values", "for any values"):
        observer = Observer(crowded.database, plans=plans)
        for name, (call, indexes, most) in CALLS.items():
            with observer.looking() as looks:
                call(crowded)
            told = "\n".join([f"{name} {plans}", *map(str, looks)])
            assert looks, told
            assert {way for look in looks for way in look.ways} <= indexes, told
            assert sum(look.rows for look in looks) <= most, told
