"""The execution history of sessions, on each kind of store."""

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from questline_persistence.errors import Conflict, PayloadError
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.sessions import History
from tests.contract.memory.sessions.test_states import HOSTILE

APPENDING = """
import sys
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.sessions import History
from questline_persistence.store import Database

history = History(Kept(Database(sys.argv[1], patience=60), "here"))
for number in range(100):
    entry = history.append("s1", number, thought=sys.argv[2])
"""


@pytest.fixture
def history(kept: Kept) -> History:
    return History(kept)


def test_entries_are_numbered_and_told_in_their_order_or_backwards(history: History) -> None:
    made = [history.append("s1", number // 2, f"thought {number}", "act", "see") for number in range(5)]
    history.append("s2", 0)

    assert [entry.seq for entry in made] == [1, 2, 3, 4, 5]
    assert [*history.list("s1")] == made
    assert [*history.list("s1", newest_first=True)] == made[::-1]
    assert history.list("s3") == []


def test_a_history_is_told_page_by_page(history: History) -> None:
    for number in range(7):
        history.append("s1", number)

    first = history.list("s1", limit=4)
    second = history.list("s1", limit=4, cursor=first.next_cursor)
    assert [entry.seq for entry in (*first, *second)] == [1, 2, 3, 4, 5, 6, 7]
    assert second.next_cursor is None
    with pytest.raises(PayloadError, match="another list"):
        history.list("s1", cursor=first.next_cursor, newest_first=True)
    with pytest.raises(PayloadError, match="limit"):
        history.list("s1", limit=1_001)


def test_processes_that_append_at_once_leave_no_gap(history: History, database_url: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", APPENDING, database_url, str(n)]) for n in range(4)]

    assert [process.wait(120) for process in processes] == [0, 0, 0, 0]
    entries = history.list("s1", limit=1_000)
    assert [entry.seq for entry in entries] == [*range(1, 401)]
    for one in range(4):
        assert [entry.step_id for entry in entries if entry.thought == str(one)] == [*range(100)]


@pytest.mark.parametrize("when", [1_000.5, datetime.fromtimestamp(1_000.5, UTC), "1970-01-01T00:16:40.5Z"])
def test_an_entry_may_say_when_it_was(history: History, when: Any) -> None:
    made = history.append("s1", 1, timestamp=when)
    assert made.timestamp == 1_000.5
    assert [*history.list("s1")] == [made]


def test_an_entry_that_is_appended_again_is_there_once(history: History) -> None:
    first = history.append("s1", 1, "thought", entry_id="e1")

    assert history.append("s1", 1, "thought", entry_id="e1") == first
    for session, thought in (("s1", "another"), ("s2", "thought")):
        with pytest.raises(Conflict, match="e1") as error:
            history.append(session, 1, thought, entry_id="e1")
        assert error.value.current == first
    assert history.append("s1", 1).seq == 2


def test_hostile_names_are_names_like_others(history: History) -> None:
    for name in HOSTILE:
        assert history.append(name, 1, name, entry_id=name).seq == 1, name
    for name in HOSTILE:
        assert [(entry.entry_id, entry.thought) for entry in history.list(name)] == [(name, name)]


def test_no_other_tenant_and_prefix_is_seen(kept: Kept) -> None:
    scopes = (("here", "p"), ("her", ""), ("here%", ""), ("HERE", ""), ("", ""), ("here", "%"))
    everybody = [History(kept), *(History(Kept(kept.database, *scope)) for scope in scopes)]
    for number, one in enumerate(everybody):
        one.append("s1", number, entry_id="e1")

    assert [[entry.step_id for entry in one.list("s1")] for one in everybody] == [[n] for n in range(len(everybody))]


@pytest.mark.parametrize(
    "wrong",
    [
        {"session_id": ""},
        {"session_id": "a\0b"},
        {"step_id": "one"},
        {"step_id": 2**31},
        {"thought": 5},
        {"action": "a\0b"},
        {"observation": "\ud800"},
        {"observation": "x" * 1_000_001},
        {"timestamp": "yesterday"},
        {"entry_id": ""},
    ],
)
def test_what_is_no_entry_is_refused(history: History, wrong: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        history.append(**({"session_id": "s1", "step_id": 1} | wrong))
    assert history.list("s1") == []
