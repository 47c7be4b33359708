"""States of sessions in a database: what files have none of, the same on each kind of store."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Table, select

from questline_persistence.errors import Conflict, NotFound, PayloadError
from questline_persistence.kinds import EVENTS, HISTORY, SESSIONS, TODO_LISTS
from questline_persistence.memory import purging
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import Event
from questline_persistence.memory.searching import search
from questline_persistence.memory.sessions import History, SessionStates, TodoLists
from questline_persistence.memory.states import Events
from questline_persistence.schema import fetched, table_of, tables_of, within
from questline_persistence.writes import Enters
from tests.contract.memory.sessions.test_states import HOSTILE
from tests.contract.quests import statements

#: What saves a state again and again if somebody else has saved it meanwhile, and adds one to a number.
COUNTING = """
import sys
from questline_persistence.errors import Conflict
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.sessions import SessionStates
from questline_persistence.store import open_database

states = SessionStates(Kept(open_database(sys.argv[1], patience=60), "here"))
left = 25
while left:
    found = states.load_with_version("s1")
    try:
        states.save_state("s1", {"n": found.state_data["n"] + 1}, expected_version=found.version)
    except Conflict as conflict:
        assert conflict.current.version > found.version
    else:
        left -= 1
"""


def told(kept: Kept, name: str = "s1") -> tuple[Any, ...]:
    """What the row of a session tells of by itself."""
    heads = tables_of(SESSIONS).heads
    mine = (*within(heads, kept.namespace, kept.prefix), heads.c.session_id == name)
    (row,) = kept.read(lambda own, _: fetched(own, select(heads).where(*mine)))
    return row.mission, row.status, row.user_id


def count(kept: Kept, of: Table) -> int:
    """How many rows name session s1 in a table."""
    mine = (*within(of, kept.namespace, kept.prefix), of.c.session_id == "s1")
    return len(kept.read(lambda own, _: own.execute(select(of).where(*mine)).all()))


def event(kept: Kept, session_id: str = "s1") -> None:
    columns = {"event_type": "said", "actor_type": "user", "content": "apples"}
    kept.enter(Enters(EVENTS, kept.namespace, kept.prefix, f"e {session_id}", columns, stream=session_id))


def test_the_session_tells_of_the_mission_the_status_and_the_user_of_its_states(kept: Kept) -> None:
    states = SessionStates(kept)
    states.save_state("s1", {})
    assert told(kept) == ("", "pending", None)
    states.save_state("s1", {"mission": "Tidy up", "status": "in_progress", "user_id": "ann"})
    assert told(kept) == ("Tidy up", "in_progress", "ann")
    states.save_state("s1", {"status": "done"})
    assert told(kept) == ("Tidy up", "done", "ann")


@pytest.mark.parametrize("odd", [None, 5, ["a"], "x" * 256, "a\0b", {"a": 1}])
def test_what_can_be_no_status_stays_in_the_state_alone(kept: Kept, odd: Any) -> None:
    states = SessionStates(kept)
    states.save_state("s1", {"status": "busy", "user_id": "ann"})
    states.save_state("s1", {"status": odd, "user_id": odd})

    assert told(kept) == ("", "busy", "ann")
    assert states.load_state("s1") == {"status": odd, "user_id": odd}


def test_a_session_whose_row_events_or_history_have_made_is_pending_from_its_first_state(kept: Kept) -> None:
    event(kept)
    History(kept).append("s1", 1)
    SessionStates(kept).save_state("s1", {})
    assert told(kept) == ("", "pending", None)


def test_a_session_that_has_events_alone_is_none_of_ours(kept: Kept) -> None:
    states = SessionStates(kept)
    event(kept)

    assert states.list_sessions() == []
    assert states.load_state("s1") is None
    with pytest.raises(NotFound, match="session s1"):
        states.delete_state("s1")
    assert states.save_state("s1", {}, expected_version=0) == 1
    assert states.list_sessions() == ["s1"]
    assert [row.event_id for row in search(kept, EVENTS, "apples").rows] == ["e s1"]


def test_a_deleted_session_leaves_nothing_but_its_count(kept: Kept) -> None:
    other = Kept(kept.database, "here", "p")
    for one in (kept, other):
        for name in ("s1", "s2"):
            SessionStates(one).save_state(name, {"mission": "secret"})
            SessionStates(one).save_state(name, {"mission": "secret", "n": 2})
            History(one).append(name, 1, "thought")
            event(one, name)
            for number in range(3):
                TodoLists(one).save_todolist(f"{name} {number}", name, ["apples"])
        TodoLists(one).delete_todolist("s1 0")
    tables = (tables_of(SESSIONS).versions, tables_of(TODO_LISTS).heads, table_of(HISTORY), table_of(EVENTS))
    before = [count(other, of) for of in tables]
    SessionStates(kept).delete_state("s1")

    assert [count(kept, of) for of in tables] == [0, 0, 0, 0]
    assert [count(other, of) for of in tables] == before == [2, 3, 1, 1]
    assert told(kept) == (None, None, None)
    assert {row.todolist_id for row in search(kept, TODO_LISTS, "apples").rows} == {"s2 0", "s2 1", "s2 2"}
    assert {row.todolist_id for row in search(other, TODO_LISTS, "apples").rows} >= {"s1 1", "s1 2"}
    assert (SessionStates(kept).list_sessions(), SessionStates(other).list_sessions()) == (["s2"], ["s1", "s2"])
    with pytest.raises(Conflict):
        SessionStates(kept).save_state("s1", {}, expected_version=2)
    assert SessionStates(kept).save_state("s1", {}) == 4
    assert told(kept) == ("", "pending", None)


def test_a_session_that_has_a_history_alone_can_be_deleted(kept: Kept) -> None:
    History(kept).append("s1", 1)
    SessionStates(kept).delete_state("s1")

    assert History(kept).list("s1") == []
    with pytest.raises(NotFound):
        SessionStates(kept).delete_state("s1")
    assert History(kept).append("s1", 1).seq == 2


def test_whoever_reads_on_behind_a_cursor_misses_nothing_of_a_session_that_was_deleted(kept: Kept) -> None:
    states, history, events = SessionStates(kept), History(kept), Events(kept)

    def add() -> None:
        history.append("s1", 1)
        events.save_event(Event(session_id="s1", event_type="said"))

    states.save_state("s1", {})
    for _ in range(3):
        add()
    reading = [(read, read("s1", limit=2).next_cursor) for read in (history.list, events.get_events)]
    states.delete_state("s1")
    add()

    assert [[one.seq for one in read("s1", cursor=cursor)] for read, cursor in reading] == [[4], [4]]


def test_to_do_lists_that_are_saved_while_their_session_is_deleted_stop_nobody(kept: Kept) -> None:
    """Each of both locks the session first and then lists in the order of their keys: none waits in a circle."""
    states, lists = SessionStates(kept), TodoLists(kept)

    def save(number: int) -> None:
        states.save_state("s1", {"n": number})
        for name in ("b", "a"):
            lists.save_todolist(name, "s1", [number])
        with suppress(NotFound):
            states.delete_state("s1")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(24)))
    assert states.list_sessions() == []


def test_processes_that_count_in_one_state_lose_nothing(kept: Kept, database_url: str) -> None:
    SessionStates(kept).save_state("s1", {"n": 0})
    processes = [subprocess.Popen([sys.executable, "-c", COUNTING, database_url]) for _ in range(3)]

    assert [process.wait(120) for process in processes] == [0, 0, 0]
    found = SessionStates(kept).load_with_version("s1")
    assert found is not None
    assert (found.state_data, found.version) == ({"n": 75}, 76)


def test_older_versions_stay_as_they_were(kept: Kept) -> None:
    states = SessionStates(kept)
    for number in range(3):
        states.save_state("s1", {"n": number})

    rows = [kept.load(SESSIONS, "s1", version=version) for version in (1, 2, 3)]
    assert [row and row.state_json for row in rows] == ['{"n":0}', '{"n":1}', '{"n":2}']
    assert [row and row.timestamp for row in rows] == [row and row.saved_time for row in rows]


def test_sessions_are_listed_page_by_page(kept: Kept) -> None:
    states = SessionStates(kept)
    for name in HOSTILE:
        states.save_state(name, {})

    pages, cursor = [], None
    while cursor is not None or not pages:
        page = states.list_sessions(limit=10, cursor=cursor)
        pages.append([*page])
        cursor = page.next_cursor
    assert [name for page in pages for name in page] == [*HOSTILE]
    assert [len(page) for page in pages[:-1]] == [10] * (len(pages) - 1)
    for limit in (0, 1_001):
        with pytest.raises(PayloadError, match="limit"):
            states.list_sessions(limit=limit)
    with pytest.raises(PayloadError, match="cursor"):
        states.list_sessions(cursor="x")


def test_to_do_lists_are_listed_page_by_page_and_never_those_of_another_session(kept: Kept) -> None:
    lists = TodoLists(kept)
    for number in range(5):
        lists.save_todolist(str(number), "%", [])
        lists.save_todolist(f"other {number}", "%%", [])

    first = lists.list_todolists("%", limit=3)
    second = lists.list_todolists("%", limit=3, cursor=first.next_cursor)
    assert [one.todolist_id for one in (*first, *second)] == ["0", "1", "2", "3", "4"]
    assert second.next_cursor is None
    with pytest.raises(PayloadError, match="another list"):
        lists.list_todolists("%%", cursor=first.next_cursor)


def test_a_list_that_moves_to_another_session_is_found_there(kept: Kept) -> None:
    lists = TodoLists(kept)
    SessionStates(kept).save_state("s1", {})
    lists.save_todolist("t1", "s1", [])
    lists.save_todolist("t1", "s2", [])
    SessionStates(kept).delete_state("s1")

    assert [one.todolist_id for one in lists.list_todolists("s2")] == ["t1"]


def test_a_list_that_has_just_moved_to_another_session_is_not_taken_along(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    SessionStates(kept).save_state("s1", {})
    TodoLists(kept).save_todolist("t1", "s2", [])
    # As if it had been of s1 when the lists to be taken along were looked for.
    monkeypatch.setattr(purging, "_keys_in_order", lambda *_: iter([kept.key("t1")]))
    SessionStates(kept).delete_state("s1")

    assert [one.todolist_id for one in TodoLists(kept).list_todolists("s2")] == ["t1"]


def test_what_is_done_costs_so_many_statements_and_no_more_when_there_are_many_versions(kept: Kept) -> None:
    states, history = SessionStates(kept), History(kept)
    postgres = kept.database.dialect.name == "postgresql"
    for number in range(50):
        states.save_state("s1", {"n": number})
        history.append("s1", number)

    with statements(kept.database) as sent:
        states.save_state("s1", {"n": 50})
    assert len(sent) == (1 if postgres else 3), sent  # on SQLite: BEGIN, the head, the version
    with statements(kept.database) as sent:
        states.load_state("s1")
    assert len(sent) == (1 if postgres else 2), sent
    with statements(kept.database) as sent:
        history.append("s1", 50)
    assert len(sent) == (1 if postgres else 3), sent
    with statements(kept.database) as sent:
        history.list("s1", limit=10)
    assert len(sent) == (1 if postgres else 2), sent
