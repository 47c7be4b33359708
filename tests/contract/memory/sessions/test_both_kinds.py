"""Sessions of agents and sessions of states share a table, and neither store sees what the other alone has made."""

import pytest

from questline_persistence.errors import NotFound
from questline_persistence.memory.models import Event
from questline_persistence.memory.sessions import DbStateManager
from questline_persistence.memory.states import StateStore
from questline_persistence.store import Database
from tests.contract.memory.sessions.managers import wait


@pytest.fixture
def manager(database: Database) -> DbStateManager:
    return DbStateManager(database)


@pytest.fixture
def store(database: Database) -> StateStore:
    return StateStore(database)


def started(store: StateStore) -> list[str]:
    return [one.session_id for one in wait(store.get_sessions())]


def test_neither_sees_what_the_other_alone_has_made(manager: DbStateManager, store: StateStore) -> None:
    wait(manager.save_state("of states", {}))
    wait(store.start_session("planner", session_id="of agents"))
    wait(store.save_event(Event(session_id="of events", event_type="said")))

    assert [*wait(manager.list_sessions())] == ["of states"]
    assert started(store) == ["of agents"]
    for name in ("of agents", "of events"):
        assert wait(manager.load_state(name)) is None
        with pytest.raises(NotFound):
            wait(manager.delete_state(name))
    assert started(store) == ["of agents"]
    assert len(wait(store.get_events("of events"))) == 1


def test_both_may_make_one_session_and_it_is_deleted_for_both(manager: DbStateManager, store: StateStore) -> None:
    wait(store.start_session("planner", session_id="s1", mission="plan"))
    assert wait(manager.save_state("s1", {"user_id": "ann"}, expected_version=0)) == 1
    wait(store.save_event(Event(session_id="s1", event_type="said")))

    found = wait(store.get_sessions())[0]
    assert (found.mission, found.status, found.user_id) == ("plan", "active", "ann")
    wait(manager.delete_state("s1"))
    assert (started(store), [*wait(manager.list_sessions())], [*wait(store.get_events("s1"))]) == ([], [], [])
    wait(store.start_session("writer", session_id="s1"))
    assert (started(store), [*wait(manager.list_sessions())]) == (["s1"], [])
    assert wait(manager.save_state("s1", {})) == 3
