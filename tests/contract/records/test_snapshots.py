import pytest
from sqlalchemy import func, select

from questline_persistence.errors import QuestNotFound
from questline_persistence.schema import snapshots
from tests.contract.quests import Workbench, failure


def test_i3_versions_run_from_zero_without_a_gap_whatever_happens(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.controls.pause(quest_id)
    bench.controls.resume(quest_id)
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)
    bench.finish(claim, 1)
    bench.controls.resume(quest_id)
    bench.fail(quest_id)
    bench.controls.retry(quest_id)
    bench.replay(quest_id)
    bench.controls.cancel(quest_id)
    bench.replay(quest_id, "v2")
    bench.advance(quest_id, 2, 3)

    reasons = ["start", "pause", "checkpoint", "pause", "error", "replay", "replay", "checkpoint", "completed"]
    assert bench.reasons(quest_id) == reasons
    assert [row["version"] for row in bench.repository.snapshots(quest_id)] == list(range(len(reasons)))


def test_every_snapshot_of_a_long_quest_loads_whole(bench: Workbench) -> None:
    lords = [f"l{number}" for number in range(30)]
    quest_id = bench.submit(*lords)
    journal = bench.worker(handlers=[f"{lord}:work" for lord in lords])
    for number in range(30):
        bench.finish(bench.claim(quest_id, journal), number)

    for version, snapshot in enumerate(bench.snapshots(quest_id)):
        assert snapshot.run_data == {lord: number for number, lord in enumerate(lords[:version])}
        assert [one.lord_name for one in snapshot.execution_stack] == lords[version:]


def test_every_snapshot_loads_whole_across_epochs_pushed_steps_and_forks(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.finish(bench.claim(quest_id), 1, "d", "e")
    bench.advance(quest_id, 2)
    bench.replay(quest_id, "v1")
    bench.advance(quest_id, "d", "e")
    forked = bench.fork(quest_id, "b")
    bench.replay(quest_id)
    found = [(one.run_data, [step.lord_name for step in one.execution_stack]) for one in bench.snapshots(quest_id)]

    assert found == [
        ({}, ["a", "b", "c"]),
        ({"a": 1}, ["d", "e", "b", "c"]),
        ({"a": 1, "d": 2}, ["e", "b", "c"]),
        ({"a": 1}, ["d", "e", "b", "c"]),
        ({"a": 1, "d": "d"}, ["e", "b", "c"]),
        ({"a": 1, "d": "d", "e": "e"}, ["b", "c"]),
        ({}, ["a", "b", "c"]),
    ]
    (base,) = bench.snapshots(forked)
    assert (base.run_data, [one.lord_name for one in base.execution_stack]) == found[5]


def test_i9_the_state_is_the_fold_of_the_committed_results(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "a", "c", "a")
    bench.advance(quest_id, 1, 2, 3)
    folded: dict[str, object] = {}
    for run in bench.repository.runs(quest_id):
        folded[run.lord_name] = run.output_data
        if run.lord_name == "a":  # which occurs several times
            folded[f"{run.lord_name}#{run.run_index}"] = run.output_data

    assert bench.repository.load_quest(quest_id).run_data == folded == {"a": 3, "a#1": 1, "a#2": 3, "b": 2}


def test_langgraph_growth_a_snapshot_costs_the_same_whatever_the_length_of_the_quest(bench: Workbench) -> None:
    per_step = {}
    for length in (5, 100):
        quest_id = bench.submit(*["a"] * length)
        bench.advance(quest_id, *["x" * 200] * length)
        rows = bench.rows(snapshots, quest_id)[1:]
        per_step[length] = sum(len(str(value)) for row in rows for value in row) / length

    assert per_step[100] < per_step[5] * 1.1
    assert per_step[100] < 250


def test_langgraph_growth_a_checkpoint_writes_its_output_once(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, "needle" * 10)
    found = [row for rows in bench.everything(quest_id).values() for row in rows if "needle" in str(row)]

    assert len(found) == 1


def test_a_snapshot_that_is_not_there_is_told(bench: Workbench) -> None:
    quest_id = bench.submit("a")

    with pytest.raises(QuestNotFound, match="no snapshot v7"):
        bench.repository.load_snapshot(quest_id, 7)
    with pytest.raises(QuestNotFound, match="no quest nobody"):
        bench.repository.load_snapshot("nobody")
    assert bench.repository.load_latest_snapshot("nobody") is None


def test_the_latest_snapshot_is_the_newest_whatever_the_epoch(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    bench.replay(quest_id)
    latest = bench.repository.load_latest_snapshot(quest_id)

    assert latest is not None
    assert (latest.version, latest.epoch, latest.snapshot_reason) == (2, 1, "replay")


def test_a_read_of_several_statements_sees_one_moment(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    query = select(func.count()).select_from(snapshots).where(snapshots.c.quest_id == quest_id)

    def read(connection):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  (a callback of two lines)
        before = connection.scalar(query)
        bench.finish(claim, 1)
        return before, connection.scalar(query)

    assert bench.database.read(read) == (1, 1)
    assert bench.database.read(lambda connection: connection.scalar(query)) == 2
