import pytest

from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.schema import snapshots
from tests.contract.quests import Workbench


@pytest.mark.parametrize(
    ("start", "position", "run_data"),
    [
        (None, "0001", {}),
        ("a", "0001", {}),
        ("a#1", "0001", {}),
        ("a#2", "0003", {"a": 1, "b": 2}),
        ("b", "0002", {"a": 1}),
        ("b:work", "0002", {"a": 1}),
        ("a:work", "0001", {}),
        ("a:work#2", "0003", {"a": 1, "b": 2}),
        ("0003", "0003", {"a": 1, "b": 2}),
        ("v2", "0003", {"a": 1, "b": 2}),
        ("v0", "0001", {}),
    ],
)
def test_a_replay_finds_where_to_start(
    bench: Workbench, start: str | None, position: str, run_data: dict[str, int]
) -> None:
    quest_id = bench.submit("a", "b", "a", "c")
    bench.advance(quest_id, 1, 2, 3, 4)
    replayed = bench.replay(quest_id, start)

    assert bench.ticket(quest_id).position == position
    assert bench.repository.load_quest(quest_id).run_data == run_data
    assert (replayed.notice is not None) == (start in {"a", "a:work"})


def test_a_replay_tells_that_a_lord_occurs_several_times(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "a")

    assert bench.replay(quest_id, "a").notice == "a occurs 2 times; starting from its first step, 0001"


@pytest.mark.parametrize(
    ("start", "complaint"),
    [
        ("nobody", "has no step of nobody"),
        ("a#9", "has no step of a#9"),
        ("0009", "has no step at 0009"),
        ("v9", "no snapshot v9"),
        ("v", "no step of v"),
        ("a:rest", "no step of a:rest"),
        ("a:", "no step of a:"),
        ("a:work#2", "no step of a:work#2"),
        ("", "no step of"),
    ],
)
def test_a_start_that_is_not_there_is_told_and_nothing_changes(bench: Workbench, start: str, complaint: str) -> None:
    quest_id = bench.submit("a", "b")
    before = bench.everything(quest_id)

    with pytest.raises(QuestNotFound, match=complaint) as caught:
        bench.replay(quest_id, start)
    assert caught.value.hint
    assert bench.everything(quest_id) == before


def test_a_step_that_was_not_reached_is_no_start(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")

    with pytest.raises(QuestConflict, match="has not reached b"):
        bench.replay(quest_id, "b")
    assert bench.repository.load_quest(quest_id).epoch == 0


def test_the_end_of_a_quest_is_no_start(bench: Workbench) -> None:
    quest_id = bench.end("completed")

    with pytest.raises(QuestConflict, match="no step left to run after v1"):
        bench.replay(quest_id, "v1")
    assert bench.status(quest_id) == "completed"


def test_the_snapshot_of_a_replay_knows_where_it_came_from(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2)
    bench.replay(quest_id, "b")

    newest = bench.rows(snapshots, quest_id)[-1]
    assert (newest.version, newest.epoch, newest.parent_version, newest.snapshot_reason) == (3, 1, 1, "replay")


def test_replays_of_replays_keep_to_the_history_that_led_there(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, "a0", "b0", "c0")
    bench.replay(quest_id, "b")
    bench.advance(quest_id, "b1")
    bench.replay(quest_id, "c")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "a0", "b": "b1"}

    bench.replay(quest_id, "b")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "a0"}
    bench.replay(quest_id, "v2")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "a0", "b": "b0"}
    with pytest.raises(QuestConflict):
        bench.replay(bench.submit("a", "b"), "b")


def test_a_replay_after_a_failure_begins_at_the_failed_step_when_asked(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    bench.fail(quest_id)
    bench.replay(quest_id, "b")

    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.error, found.run_data) == ("running", None, {"a": 1})
    assert bench.ticket(quest_id).attempt == 0
