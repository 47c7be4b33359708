import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from questline_persistence.claims import ClaimRequest
from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_persistence.models import QuestExecutionData
from questline_persistence.schema import runs, snapshots, tickets
from questline_persistence.states import ExecutionStatus
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


def test_new_steps_of_a_lord_that_has_an_output_are_numbered_on_and_lose_none(bench: Workbench) -> None:
    data = saved(bench, "a", "b")
    data.execution_stack, data.run_data = [step("a"), step("a")], {"a": "one", "b": "two"}
    bench.repository.save_quest(data)
    bench.controls.resume(data.quest_id)
    bench.finish(bench.claim(data.quest_id), "second", "a")
    bench.advance(data.quest_id, "fourth", "third")

    wanted = {"a": "third", "a#1": "one", "a#2": "second", "a#3": "third", "a#4": "fourth", "b": "two"}
    assert bench.repository.load_quest(data.quest_id).run_data == wanted


@pytest.mark.parametrize(("ending", "back"), [("completed", 1), ("completed", 2), ("failed", 1), ("failed", 2)])
def test_i2_a_program_that_puts_committed_steps_back_on_the_stack_begins_an_epoch(
    bench: Workbench, ending: str, back: int
) -> None:
    quest_id = bench.submit("a", "b", "c")
    keys = [bench.advance_one(quest_id, number) for number in (1, 2)]
    if ending == "completed":
        keys.append(bench.advance_one(quest_id, 3))
    else:
        bench.fail(quest_id)
    loaded = bench.repository.load_quest(quest_id)
    loaded.execution_stack = [step(lord, queue="default") for lord in "abc"[-back - (ending == "failed") :]]
    loaded.status, loaded.run_data = ExecutionStatus.RUNNING, {"a": 1}
    bench.repository.save_quest(loaded)
    bench.controls.resume(quest_id)
    newest = bench.rows(snapshots, quest_id)[-1]
    while bench.has_ticket(quest_id):
        keys.append(bench.advance_one(quest_id, "again"))

    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.epoch, newest.parent_version) == ("completed", 1, newest.version - 1)
    assert len(keys) == len(set(keys))
    assert [one.attempts for one in found.steps][-back:] == [1] * back


@pytest.mark.parametrize("changed", ["run_data", "input_data", "execution_stack", "nothing"])
def test_what_a_program_changes_of_committed_results_begins_an_epoch(bench: Workbench, changed: str) -> None:
    quest_id = bench.submit("a", "b", "c", input_data={"n": 1})
    bench.advance(quest_id, 1)
    bench.fail(quest_id)
    loaded = bench.repository.load_quest(quest_id)
    if changed == "execution_stack":
        loaded.execution_stack = loaded.execution_stack[1:]
    elif changed != "nothing":
        getattr(loaded, changed)["a"] = "corrected"
    bench.repository.save_quest(loaded)
    bench.controls.retry(quest_id)
    claim = bench.claim(quest_id)

    assert claim.epoch == (0 if changed == "nothing" else 1)
    assert claim.lord_name == ("c" if changed == "execution_stack" else "b")
    assert claim.input_data == ({"n": 1, "a": "corrected"} if changed == "input_data" else {"n": 1})
    outputs = bench.repository.outputs_at(quest_id, claim.epoch, claim.version)
    assert outputs == {"a": "corrected" if changed == "run_data" else 1}


def test_a_replay_from_before_a_program_changed_the_input_has_the_input_of_then(bench: Workbench) -> None:
    data = saved(bench, "a", "b", input_data={"n": 1})
    for number in (2, 3):
        data.input_data = {"n": number}
        bench.repository.save_quest(data)
    for version, number in ((0, 1), (1, 2), (2, 3)):
        bench.replay(data.quest_id, f"v{version}")
        assert bench.repository.load_quest(data.quest_id).input_data == {"n": number}


def test_a_program_that_saves_while_workers_run_its_quest_never_has_a_step_run_twice_in_one_epoch(
    bench: Workbench,
) -> None:
    quest_id = bench.end("completed", "a", "b")
    old = bench.repository.load_quest(quest_id).model_copy(
        update={"execution_stack": [step("a", queue="default"), step("b", queue="default")], "run_data": {}}
    )
    done = threading.Event()

    def save() -> int:
        count = 0
        while not done.is_set():
            with suppress(QuestConflict):
                bench.repository.save_quest(old)
                count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        saves = pool.submit(save)
        keys = []
        for _ in range(20):
            bench.replay(quest_id, "b")
            keys.append(bench.advance_one(quest_id, "again"))
        done.set()

    assert saves.result() > 0
    assert len(keys) == len(set(keys)) == 20


def test_a_quest_in_the_hands_of_workers_cannot_be_saved_over(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    loaded = bench.repository.load_quest(quest_id)
    before = bench.everything(quest_id)

    for attempt in (
        lambda: bench.repository.save_quest(loaded),
        lambda: bench.repository.save_snapshot(quest_id),
        lambda: bench.repository.save_lord_run(quest_id, "a", "work"),
    ):
        with pytest.raises(QuestConflict, match="belongs to the workers"):
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

    with pytest.raises(QuestConflict, match="no step left"):
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


@pytest.mark.parametrize("lords", ["b", "ab", "cb", ""])
def test_a_quest_goes_on_with_the_stack_that_its_newest_snapshot_shows(bench: Workbench, lords: str) -> None:
    data = saved(bench, "a", "b")
    data.status = ExecutionStatus.PAUSED
    bench.repository.save_quest(data)
    bench.repository.save_snapshot(data.quest_id, {"z": 1}, [step(lord) for lord in lords])
    shown = bench.repository.load_snapshot(data.quest_id)

    assert [one.lord_name for one in shown.execution_stack] == list(lords)
    assert [one.lord_name for one in bench.repository.load_quest(data.quest_id).execution_stack] == list(lords)
    if not lords:
        with pytest.raises(QuestConflict, match="no step left"):
            bench.controls.resume(data.quest_id)
        return
    bench.controls.resume(data.quest_id)
    ran = [bench.advance_one(data.quest_id, lord, tell="lord_name") for lord in lords]
    found = bench.repository.load_quest(data.quest_id)
    assert (found.status, ran, found.run_data) == ("completed", list(lords), {"z": 1} | {lord: lord for lord in lords})
    bench.replay(data.quest_id, f"v{shown.version}")
    assert bench.claim(data.quest_id).lord_name == lords[0]


def test_a_snapshot_that_puts_committed_steps_back_begins_an_epoch(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2)
    bench.fail(quest_id)
    bench.repository.save_snapshot(quest_id, {"a": 1}, [step("b"), step("c")])
    bench.controls.retry(quest_id)
    bench.advance(quest_id, "b again", 3)

    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.epoch, found.run_data) == ("completed", 1, {"a": 1, "b": "b again", "c": 3})


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
