"""What has changed: versions without loss or double, and quests that are no longer as they were, however late."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, insert

from questline_persistence.records.changes import ChangedQuests, Changes, FollowedQuests
from questline_persistence.records.changes.late_ids import MOST, PATIENCE_SECONDS, LateIds
from questline_persistence.schema import snapshots
from tests.contract.quests import Workbench, statements


@pytest.fixture
def postgres_bench(postgres_url: str) -> Iterator[Workbench]:
    """A workbench where transactions may commit in another order than they began; SQLite has one writer at a time."""
    bench = Workbench(postgres_url)
    yield bench
    bench.check()
    bench.close()


def ids(changes: Changes) -> list[str]:
    return sorted(state.quest_id for state in changes.states)


def test_versions_are_told_once_each_in_order_with_the_progress_of_their_time(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "c")  # pushes a step
    bench.controls.pause(quest_id)
    followed = FollowedQuests(bench.database, "default")
    seen = followed.versions(quest_id, -1)

    assert [(one.version, str(one.reason), one.completed, one.remaining) for one in seen] == [
        (0, "start", 0, 2),
        (1, "checkpoint", 1, 2),
        (2, "pause", 1, 2),
    ]
    assert [one.version for one in followed.versions(quest_id, 1)] == [2]
    assert followed.versions(quest_id, 2) == []


def test_a_look_costs_the_same_whatever_the_number_of_quests(bench: Workbench) -> None:
    quest_ids = [bench.submit("a") for _ in range(20)]
    followed = FollowedQuests(bench.database, "default")
    with statements(bench.database) as still:
        followed.look(dict.fromkeys(quest_ids, 0))
    for quest_id in quest_ids:
        bench.advance(quest_id, 1)
    with statements(bench.database) as moved:
        found = followed.look(dict.fromkeys(quest_ids, 0))

    reads = [[one for one in sent if "FROM quest" in one] for sent in (still, moved)]
    assert list(map(len, reads)) == [1, 2]
    assert {look.state and str(look.state.status) for look in found.values()} == {"completed"}
    assert [[one.version for one in look.versions] for look in found.values()] == [[1]] * 20


def test_nothing_is_seen_of_another_namespace(open_bench: Callable[..., Workbench]) -> None:
    mine, other = open_bench("mine"), open_bench("other")
    changed = ChangedQuests(mine.database, "mine")
    changed.look()
    theirs = other.end("completed")
    other.repository.delete_quest(theirs)
    live = other.submit("a")
    followed = FollowedQuests(mine.database, "mine")

    assert changed.look() == Changes()
    assert followed.versions(live, -1) == []
    assert followed.look({live: 0})[live].state is None


def test_every_change_of_a_quest_is_told_once(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    changed = ChangedQuests(bench.database, "default")
    assert changed.look() == Changes()
    told = []

    def look() -> None:
        changes = changed.look()
        assert changed.look() == Changes()
        told.append([(str(state.status), state.version) for state in changes.states] or list(changes.deleted))

    claim = bench.claim(quest_id)
    look()
    bench.controls.pause(quest_id)
    look()
    bench.finish(claim, 1)
    look()
    bench.controls.resume(quest_id)
    look()
    bench.controls.cancel(quest_id)
    look()
    bench.repository.delete_quest(quest_id)
    look()

    assert told == [
        [("running", 0)],
        [("pausing", 0)],
        [("paused", 2)],
        [("running", 2)],
        [("cancelled", 2)],
        [quest_id],
    ]


def test_what_was_there_before_is_not_told(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("questline_persistence.records.changes.changed_quests.LOOK_BACK", 2)
    for _ in range(5):
        bench.end("cancelled")
    changed = ChangedQuests(bench.database, "default")

    assert changed.look() == changed.look() == Changes()
    quest_id = bench.submit("a")
    assert ids(changed.look()) == [quest_id]


def test_what_is_committed_late_is_told_all_the_same(postgres_bench: Workbench) -> None:
    bench = postgres_bench
    early, late = bench.submit("a"), bench.submit("a")
    changed = ChangedQuests(bench.database, "default")
    changed.look()

    with bench.database.engine.connect() as slow:
        _move_on(slow, late)  # takes its number first
        with bench.database.engine.begin() as fast:
            _move_on(fast, early)
        assert ids(changed.look()) == [early]
        slow.commit()
    assert ids(changed.look()) == [late]
    assert changed.look() == Changes()


def test_what_was_under_way_when_it_began_is_told(postgres_bench: Workbench) -> None:
    bench = postgres_bench
    early, late = bench.submit("a"), bench.submit("a")
    changed = ChangedQuests(bench.database, "default")
    with bench.database.engine.connect() as slow:
        _move_on(slow, late)
        with bench.database.engine.begin() as fast:
            _move_on(fast, early)
        changed.look()
        slow.commit()
    assert ids(changed.look()) == [late]


def _move_on(connection: Connection, quest_id: str) -> None:
    """Add a version, as a checkpoint does."""
    row = {"quest_id": quest_id, "version": 1, "epoch": 0, "snapshot_reason": "checkpoint", "created_at": "now"}
    connection.execute(insert(snapshots).values(row))
    connection.exec_driver_sql(f"UPDATE tickets SET version = 1 WHERE quest_id = '{quest_id}'")


def test_numbers_that_are_missing_are_looked_for_for_a_while_and_are_bounded() -> None:
    late = LateIds()
    late.see([7, 8, 10], now=0.0)
    assert late.missing == [1, 2, 3, 4, 5, 6, 9]
    late.see([9, 3], now=1.0)
    late.see([12], now=PATIENCE_SECONDS - 1)
    assert late.missing == [1, 2, 4, 5, 6, 11]
    late.see([], now=PATIENCE_SECONDS)
    assert (late.missing, late.highest) == ([11], 12)
    late.see([10 * MOST], now=PATIENCE_SECONDS)
    assert len(late.missing) == MOST
