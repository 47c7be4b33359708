"""The versions of a key and what was added last, on each kind of store."""

import pytest

from questline_persistence.errors import PayloadError
from questline_persistence.kinds import AGENT_STATES, CONTEXTS
from questline_persistence.memory import Kept
from questline_persistence.memory.looking import newest, versions, with_words
from questline_persistence.memory.states import agent_state
from questline_persistence.store import Database
from questline_persistence.writes import Op, Origin, Saves


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database, "here")


def save(kept: Kept, name: str, status: str = "idle", origin: Origin | None = None) -> None:
    columns, body = {"name": "", "status": status}, {"state_data": "x", "metadata": "{}"}
    kept.save(Saves(AGENT_STATES, kept.key(name), columns=columns, body=body, origin=origin))


def test_versions_come_newest_first_with_how_each_came_about(kept: Kept) -> None:
    save(kept, "planner")
    save(kept, "planner", "busy", Origin("alpha", 2, "0001", 4))
    kept.save(Saves(AGENT_STATES, kept.key("planner"), Op.DELETE))
    save(kept, "other")

    found = versions(kept, AGENT_STATES, "planner")

    told = [(view.version, view.op, view.status, view.body_version) for view in found]
    assert told == [(3, "delete", "busy", None), (2, "save", "busy", 1), (1, "save", "idle", 1)]
    assert [view.origin and view.origin.quest_version for view in found] == [None, 4, None]
    assert found[1].to_json()["origin"]["position"] == "0001"


def test_versions_go_on_by_cursor_of_the_same_key(kept: Kept) -> None:
    for _ in range(3):
        save(kept, "planner")

    first = versions(kept, AGENT_STATES, "planner", limit=2)
    second = versions(kept, AGENT_STATES, "planner", limit=2, cursor=first.next_cursor)

    assert [view.version for view in (*first, *second)] == [3, 2, 1]
    assert second.next_cursor is None
    with pytest.raises(PayloadError, match="another list"):
        versions(kept, AGENT_STATES, "other", cursor=first.next_cursor)


def test_a_kind_that_keeps_no_status_has_none(kept: Kept) -> None:
    columns = {"epic_num": 1, "feature": "f", "workflow_name": "w", "current_phase": "p", "status": "running"}
    kept.save(Saves(CONTEXTS, kept.key("w1"), columns=columns, body={"context_data": "{}"}))

    assert [view.status for view in versions(kept, CONTEXTS, "w1")] == [None]


def test_what_is_there_comes_newest_first_and_may_be_chosen(kept: Kept) -> None:
    for name, status in (("a", "idle"), ("b", "busy"), ("c", "idle"), ("d", "idle")):
        save(kept, name, status)
    kept.save(Saves(AGENT_STATES, kept.key("d"), Op.DELETE))
    save(Kept(kept.database, "here", "team"), "e")

    first = newest(kept, AGENT_STATES, agent_state, limit=2)
    second = newest(kept, AGENT_STATES, agent_state, limit=2, cursor=first.next_cursor)
    idle = newest(kept, AGENT_STATES, agent_state, status="idle", name=None)

    assert [agent.agent_id for agent in (*first, *second)] == ["c", "b", "a"]
    assert [agent.agent_id for agent in idle] == ["c", "a"]
    assert len(with_words(kept, AGENT_STATES, agent_state, "x")) == 3
