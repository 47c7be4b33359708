"""Whom people mean by what they type, on each kind of store."""

import pytest

from questline_persistence.errors import NotFound, PayloadError
from questline_persistence.kinds import AGENT_STATES, EVENTS
from questline_persistence.memory import Kept
from questline_persistence.memory.looking import meant
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Op, Saves

NAMES = ("planner", "plan/b", "executor-0193a8bc", "100%", "_")


@pytest.fixture
def kept(database: Database) -> Kept:
    kept = Kept(database, "here")
    for name in NAMES:
        save(kept, name)
    save(Kept(database, "here", "team"), "elsewhere")
    save(Kept(database, "there"), "elsewhere")
    return kept


def save(kept: Kept, name: str) -> None:
    columns, body = {"name": "", "status": "idle"}, {"state_data": "x", "metadata": "{}"}
    kept.save(Saves(AGENT_STATES, kept.key(name), columns=columns, body=body))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        *((name, name) for name in NAMES),
        ("plann", "planner"),
        ("1", "100%"),
        ("b", "plan/b"),
        ("exec", "executor-0193a8bc"),
        ("0193a8bc", "executor-0193a8bc"),
        ("..193a8bc", "executor-0193a8bc"),
        ("@last", "_"),
    ],
)
def test_a_name_its_beginning_its_end_or_the_newest(kept: Kept, typed: str, name: str) -> None:
    assert meant(kept, AGENT_STATES, typed, look="look") == name


def test_several_that_could_be_meant_are_named(kept: Kept) -> None:
    with pytest.raises(NotFound, match="'plan' could mean several: plan/b, planner") as raised:
        meant(kept, AGENT_STATES, "plan", look="look")
    assert raised.value.hint == "give more of it"


@pytest.mark.parametrize(
    ("typed", "hint"), [("planer", "did you mean 'planner'?"), ("elsewhere", "look"), ("%", "look"), ("zzz", "look")]
)
def test_a_wrong_name_is_told_the_nearest_or_where_to_look(kept: Kept, typed: str, hint: str) -> None:
    with pytest.raises(NotFound, match=f"there is no agent state '{typed}'") as raised:
        meant(kept, AGENT_STATES, typed, look="look")
    assert raised.value.hint == hint


@pytest.mark.parametrize("typed", ["", "a\0b", "x" * 256])
def test_what_can_be_no_name_is_refused(kept: Kept, typed: str) -> None:
    with pytest.raises(PayloadError):
        meant(kept, AGENT_STATES, typed, look="look")


def test_what_was_deleted_is_meant_and_what_was_purged_is_not(kept: Kept) -> None:
    kept.save(Saves(AGENT_STATES, kept.key("planner"), Op.DELETE))
    kept.purge(AGENT_STATES, "plan/b")

    assert meant(kept, AGENT_STATES, "plan", look="look") == "planner"


def test_entries_are_meant_by_their_ids(kept: Kept) -> None:
    columns = {"event_type": "said", "actor_type": "user", "content": ""}
    kept.enter(Enters(EVENTS, kept.namespace, kept.prefix, "event-1", columns, stream="s"))

    assert meant(kept, EVENTS, "event", look="look") == meant(kept, EVENTS, "@last", look="look") == "event-1"
