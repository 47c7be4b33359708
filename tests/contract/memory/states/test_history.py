"""What agents were before: transitions, and snapshots that name versions."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from questline_persistence.errors import Conflict, NotFound, PayloadError
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states import States
from questline_persistence.schema import METADATA
from questline_persistence.store import Database
from tests.contract.quests import HandClock


def saved(states: States, data: str, **fields: object) -> AgentState:
    return states.save_agent_state(AgentState(agent_id="planner", state_data=data, **fields))  # type: ignore[arg-type]


def test_transitions_are_numbered_and_told_newest_first(states: States) -> None:
    made = [states.record_state_transition("planner", old, new, "why") for old, new in ((None, "a"), ("a", "b"))]
    states.record_state_transition("other", "a", "b")

    assert [one.seq for one in made] == [1, 2]
    assert states.get_state_history("planner") == made[::-1]
    assert states.load_agent_state("planner") is None
    assert states.get_state_history("nobody") == []


def test_a_history_is_told_a_page_at_a_time(states: States) -> None:
    for number in range(5):
        states.record_state_transition("planner", None, str(number))
    first = states.get_state_history("planner", 3)
    rest = states.get_state_history("planner", 3, cursor=first.next_cursor)

    assert [one.state_after for one in (*first, *rest)] == ["4", "3", "2", "1", "0"]
    assert rest.next_cursor is None
    with pytest.raises(PayloadError, match="cannot load the history of agent other: this cursor is of another list"):
        states.get_state_history("other", cursor=first.next_cursor)


def test_a_transition_that_is_recorded_again_under_its_id_is_there_once(states: States) -> None:
    first = states.record_state_transition("planner", "a", "b", transition_id="t")

    assert states.record_state_transition("planner", "a", "b", transition_id="t") == first
    with pytest.raises(Conflict, match="it says something else") as error:
        states.record_state_transition("planner", "a", "c", transition_id="t")
    assert error.value.current == first
    assert len(states.get_state_history("planner")) == 1


def test_a_snapshot_names_the_state_of_its_moment(states: States) -> None:
    saved(states, "a", metadata={"is": "a"})
    snapshot_id = states.create_snapshot("planner", "before it all")
    saved(states, "b")

    (shown,) = states.list_snapshots("planner")
    assert (shown.snapshot_id, shown.version, shown.description) == (snapshot_id, 1, "before it all")
    assert (shown.state_data, shown.metadata, shown.expires_at) == ("a", {"is": "a"}, None)
    assert states.get_snapshot(snapshot_id) == shown
    with pytest.raises(NotFound, match="cannot create a snapshot of agent nobody: there is none"):
        states.create_snapshot("nobody")


def test_a_snapshot_is_restored_as_a_new_version(states: States) -> None:
    saved(states, "a", status="one")
    snapshot_id = states.create_snapshot("planner")
    saved(states, "b", status="two")
    restored = states.restore_snapshot(snapshot_id)

    assert (restored.version, restored.state_data, restored.status) == (3, "a", "one")
    assert states.load_agent_state("planner") == restored
    (change,) = states.get_state_history("planner")
    assert (change.state_before, change.state_after) == ("two", "one")
    assert change.reason == f"restored from snapshot {snapshot_id}"
    with pytest.raises(Conflict, match=f"cannot restore snapshot {snapshot_id}: it is at version 3"):
        states.restore_snapshot(snapshot_id, expected_version=2)
    with pytest.raises(NotFound, match="cannot restore snapshot none: there is none"):
        states.restore_snapshot("none")


def test_a_deleted_agent_comes_back_by_its_snapshot(states: States) -> None:
    saved(states, "a")
    snapshot_id = states.create_snapshot("planner")
    states.delete_agent("planner")
    with pytest.raises(NotFound):
        states.create_snapshot("planner")

    assert states.restore_snapshot(snapshot_id).version == 3
    assert states.create_snapshot("planner") != snapshot_id


def test_snapshots_cost_no_body_and_restoring_stores_none_again(states: States, database: Database) -> None:
    saved(states, "x" * 100_000)
    for _ in range(3):
        states.restore_snapshot(states.create_snapshot("planner"))
    versions = METADATA.tables["agent_state_versions"]
    query = select(func.count(versions.c.state_data), func.count())

    assert database.read(lambda own: tuple(own.execute(query).one())) == (1, 4)


@pytest.mark.parametrize("hours", [-1, 1])
def test_langgraph_8354_an_expiry_is_decided_on_read_by_the_databases_clock(database: Database, hours: int) -> None:
    clock = HandClock(database.clock.now() + hours * 3_600)
    database.clock = clock
    states = States(Kept(database, "here"))
    saved(states, "a")
    short = states.create_snapshot("planner", expires_in=60)
    long = states.create_snapshot("planner", expires_in=timedelta(hours=1))

    clock.advance(59)
    assert {one.snapshot_id for one in states.list_snapshots("planner")} == {short, long}
    clock.advance(2)
    assert [one.snapshot_id for one in states.list_snapshots("planner")] == [long]
    assert states.get_snapshot(short) is None
    with pytest.raises(NotFound, match="there is none, or none any more"):
        states.restore_snapshot(short)


def test_the_clean_up_frees_what_has_expired_the_oldest_first_and_no_more_than_told(database: Database) -> None:
    database.clock = clock = HandClock(database.clock.now())
    states, other = States(Kept(database, "here")), States(Kept(database, "here", "other"))
    saved(states, "a")
    saved(other, "a")
    kept = [states.create_snapshot("planner"), states.create_snapshot("planner", expires_in=3_600)]
    for seconds in (3, 1, 2):
        states.create_snapshot("planner", expires_in=seconds)
    other.create_snapshot("planner", expires_in=1)
    snapshots = METADATA.tables["state_snapshots"]
    left = select(snapshots.c.expires_time).order_by(snapshots.c.expires_time).where(snapshots.c.key_prefix == "")

    assert states.remove_expired_snapshots() == 0
    clock.advance(10)
    assert [states.remove_expired_snapshots(2), states.remove_expired_snapshots(2)] == [2, 1]
    assert len(database.read(lambda own: own.execute(left).all())) == 2
    assert {one.snapshot_id for one in states.list_snapshots("planner")} == {*kept}
    with pytest.raises(PayloadError, match="cannot remove expired snapshots: limit must be 1 or more"):
        states.remove_expired_snapshots(0)


def test_states_are_compared_and_merged_by_version_by_record_or_by_text(states: States) -> None:
    base, ours = saved(states, '{"a": 1, "b": 1}'), saved(states, '{"a": 2, "b": 1}')
    theirs = '{"a": 1, "b": 3}'

    assert [(one.path, one.before, one.after) for one in states.diff("planner", 1, 2)] == [("a", 1, 2)]
    assert states.diff("planner", base, theirs) == states.diff("planner", 1, theirs)
    merged = states.merge("planner", base, ours, theirs)
    assert (merged.merged, merged.conflicts) == ('{"a":2,"b":3}', ())
    (conflict,) = states.merge("planner", 1, 2, '{"a": 3, "b": 1}').conflicts
    assert (conflict.path, conflict.base, conflict.ours, conflict.theirs) == ("a", 1, 2, 3)
    with pytest.raises(NotFound, match="cannot compare states of agent planner: there is no version 9"):
        states.diff("planner", 1, 9)
    with pytest.raises(PayloadError, match="not bool"):
        states.diff("planner", True, 1)  # noqa: FBT003  (the very mistake)


@pytest.mark.parametrize("wrong", ["soon", float("nan"), True])
def test_what_is_no_length_of_time_is_refused(states: States, wrong: object) -> None:
    saved(states, "a")
    with pytest.raises(PayloadError, match="expires_in is no length of time"):
        states.create_snapshot("planner", expires_in=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("endless", [float("inf"), 1e30, timedelta.max])
def test_an_expiry_that_no_calendar_has_is_refused(states: States, endless: float | timedelta) -> None:
    saved(states, "a")
    with pytest.raises(PayloadError, match="expires_in leads beyond the year 9999"):
        states.create_snapshot("planner", expires_in=endless)
    assert states.list_snapshots("planner") == []


def test_a_transition_that_is_too_large_is_refused(states: States) -> None:
    calls: list[Callable[[], object]] = [
        lambda: states.record_state_transition("planner", "x" * 600_000, "y" * 600_000),
        lambda: states.create_snapshot("planner", "x" * 1_000_001),
    ]
    saved(states, "a")
    for call in calls:
        with pytest.raises(PayloadError, match=r"it is 1,\d+,\d+ bytes; the limit is 1,000,000"):
            call()
