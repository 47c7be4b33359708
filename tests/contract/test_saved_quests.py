import pytest

from questline_persistence.claims import ClaimRequest
from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_persistence.models import QuestExecutionData
from questline_persistence.states import ExecutionStatus
from questline_persistence.tables import runs, tickets
from tests.contract.quests import Workbench, quest, step


def saved(bench: Workbench, *lords: str, **fields: object) -> QuestExecutionData:
    data = quest(*lords, **fields)
    bench.repository.save_quest(data)
    return data


def test_a_saved_quest_comes_back_as_it_was(bench: Workbench) -> None:
    data = saved(bench, "a", "b", input_data={"n": [1, {"x": None}]}, labels={"k": "v"}, run_data={"z": 1})
    found = bench.repository.load_quest(data.quest_id)

    assert (found.quest_type, found.status, found.input_data) == ("test", "new", {"n": [1, {"x": None}]})
    assert (found.labels, found.run_data) == ({"k": "v"}, {"z": 1})
    assert [one.lord_name for one in found.execution_stack] == ["a", "b"]
    assert bench.rows(tickets, data.quest_id) == []


def test_a_quest_saved_again_is_brought_up_to_date_with_a_snapshot(bench: Workbench) -> None:
    data = saved(bench, "a", "b")
    data.status, data.run_data, data.start_time = ExecutionStatus.RUNNING, {"a": 1}, 100.0
    data.execution_stack = data.execution_stack[1:]
    bench.repository.save_quest(data)
    data.status, data.run_data, data.end_time = ExecutionStatus.COMPLETED, {"a": 1, "b": 2}, 103.5
    data.execution_stack, data.output_data = [], 2
    bench.repository.save_quest(data)
    found = bench.repository.load_quest(data.quest_id)

    assert (found.status, found.output_data, found.run_data) == ("completed", 2, {"a": 1, "b": 2})
    assert (found.duration_seconds, found.epoch, found.version) == (3.5, 0, 2)
    assert bench.reasons(data.quest_id) == ["start", "checkpoint", "completed"]
    assert [[one.lord_name for one in shot.execution_stack] for shot in bench.snapshots(data.quest_id)] == [
        ["a", "b"],
        ["b"],
        [],
    ]
    assert [shot.run_data for shot in bench.snapshots(data.quest_id)] == [{}, {"a": 1}, {"a": 1, "b": 2}]


def test_a_quest_that_was_loaded_can_be_saved_without_beginning_an_epoch(bench: Workbench) -> None:
    data = saved(bench, "a", "b")
    loaded = bench.repository.load_quest(data.quest_id)
    loaded.status = ExecutionStatus.PAUSED
    bench.repository.save_quest(loaded)
    found = bench.repository.load_quest(data.quest_id)

    assert (found.status, found.epoch, found.version) == ("paused", 0, 1)
    assert bench.reasons(data.quest_id) == ["start", "pause"]


def test_a_stack_of_another_shape_begins_a_new_epoch(bench: Workbench) -> None:
    data = saved(bench, "a", "b")
    data.execution_stack = [step("c"), step("b")]
    bench.repository.save_quest(data)
    found = bench.repository.load_quest(data.quest_id)

    assert found.epoch == 1
    assert [one.lord_name for one in found.execution_stack] == ["c", "b"]
    assert [one.lord_name for one in bench.repository.load_snapshot(data.quest_id, 0).execution_stack] == ["a", "b"]


def test_a_quest_in_the_hands_of_workers_cannot_be_saved_over(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    loaded = bench.repository.load_quest(quest_id)
    before = bench.everything(quest_id)

    for attempt in (
        lambda: bench.repository.save_quest(loaded),
        lambda: bench.repository.save_snapshot(quest_id),
        lambda: bench.repository.save_lord_run(quest_id, "a", "work"),
    ):
        with pytest.raises(QuestConflict, match="in the hands of the workers"):
            attempt()
    assert bench.everything(quest_id) == before


def test_a_saved_quest_is_no_worker_s_until_it_is_resumed(bench: Workbench) -> None:
    data = saved(bench, "a", "b", status="running")
    before = bench.everything(data.quest_id)

    assert bench.journal.claim(ClaimRequest(data.quest_id, 0, "0001", "claim")) is None
    for verb in (bench.controls.pause, bench.controls.cancel, bench.controls.retry):
        with pytest.raises(QuestConflict):
            verb(data.quest_id)
    assert bench.everything(data.quest_id) == before


def test_a_saved_quest_that_is_resumed_goes_on_in_the_hands_of_workers(bench: Workbench) -> None:
    data = saved(bench, "a", "b")
    data.execution_stack, data.run_data, data.status = data.execution_stack[1:], {"a": 1}, ExecutionStatus.PAUSED
    bench.repository.save_quest(data)
    (bell,) = bench.controls.resume(data.quest_id).doorbells
    assert (bell.position, bell.fence) == ("0002", bench.ticket(data.quest_id).fence)
    bench.advance(data.quest_id, 2)

    assert bench.repository.load_quest(data.quest_id).run_data == {"a": 1, "b": 2}
    assert bench.status(data.quest_id) == "completed"


def test_a_saved_quest_of_which_nothing_remains_cannot_be_resumed(bench: Workbench) -> None:
    data = saved(bench, "a")
    data.execution_stack, data.status = [], ExecutionStatus.RUNNING
    bench.repository.save_quest(data)

    with pytest.raises(QuestConflict, match="nothing remains"):
        bench.controls.resume(data.quest_id)
    assert not bench.has_ticket(data.quest_id)


def test_a_saved_quest_can_be_handed_to_the_workers_by_a_replay(bench: Workbench) -> None:
    data = saved(bench, "a", "b")
    data.execution_stack, data.run_data, data.status = data.execution_stack[1:], {"a": 1}, ExecutionStatus.FAILED
    bench.repository.save_quest(data)
    bench.replay(data.quest_id, "b")
    bench.advance(data.quest_id, 2)

    assert bench.repository.load_quest(data.quest_id).run_data == {"a": 1, "b": 2}
    assert bench.status(data.quest_id) == "completed"


def test_a_run_that_was_saved_is_in_the_history_and_the_statistics(bench: Workbench) -> None:
    data = saved(bench, "a")
    first = bench.repository.save_lord_run(
        data.quest_id, "a", "work", start_time=10.0, end_time=12.5, input_data={"x": 1}, output_data=[1], max_attempts=3
    )
    second = bench.repository.save_lord_run(
        data.quest_id, "a", "work", run_index=2, status="error", error_message="boom", attempt_number=2
    )
    found = bench.repository.runs(data.quest_id)

    assert [run.run_id for run in found] == [first, second]
    assert (found[0].status, found[0].duration_seconds, found[0].input_data, found[0].output_data) == (
        "success",
        2.5,
        {"x": 1},
        [1],
    )
    assert (found[1].error_message, found[1].attempt_number, found[1].end_time) == ("boom", 2, None)
    (stats,) = bench.repository.get_lord_stats("a")
    assert (stats["total_runs"], stats["success_rate"], stats["avg_duration_seconds"]) == (2, 50.0, 2.5)


def test_a_snapshot_that_was_saved_is_the_latest_and_whole(bench: Workbench) -> None:
    data = saved(bench, "a", "b", run_data={"z": 0})
    snapshot_id = bench.repository.save_snapshot(data.quest_id, {"a": 1}, [step("b")], "pause")
    latest = bench.repository.load_latest_snapshot(data.quest_id)

    assert latest is not None
    assert (latest.snapshot_id, latest.version, latest.snapshot_reason) == (snapshot_id, 1, "pause")
    assert (latest.run_data, latest.execution_stack) == ({"a": 1}, [step("b")])
    bench.repository.save_snapshot(data.quest_id)
    again = bench.repository.load_latest_snapshot(data.quest_id)
    assert again is not None
    assert (again.version, again.run_data, again.snapshot_reason) == (2, {"a": 1}, "checkpoint")


def test_runs_and_snapshots_of_a_quest_that_is_not_there_are_refused(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound):
        bench.repository.save_lord_run("nobody", "a", "work")
    with pytest.raises(QuestNotFound):
        bench.repository.save_snapshot("nobody")
    assert bench.rows(runs, "nobody") == []


@pytest.mark.parametrize("fields", [{"input_data": {"x": {1}}}, {"run_data": {"x": object()}}, {"execution_stack": []}])
def test_a_quest_that_cannot_be_stored_stays_in_memory_and_can_be_saved_later(
    bench: Workbench, fields: dict[str, object]
) -> None:
    data = quest("a")
    for name, value in fields.items():
        setattr(data, name, value)
    with pytest.raises(PayloadError):
        bench.repository.save_quest(data)

    assert bench.quest_ids() == []
    data.input_data, data.run_data, data.execution_stack = {}, {}, [step("a")]
    bench.repository.save_quest(data)
    assert bench.quest_ids() == [data.quest_id]


def test_a_saved_quest_can_be_deleted(bench: Workbench) -> None:
    data = saved(bench, "a")
    bench.repository.save_lord_run(data.quest_id, "a", "work")

    assert bench.repository.delete_quest(data.quest_id)
    assert bench.quest_ids() == []
