"""What a quest executor with persistence must do, on SQLite and on PostgreSQL, through the public names alone."""

import asyncio
import threading

import pytest
from sqlalchemy import select

from questline import (
    ExecutionHooks,
    ExecutionStatus,
    LordStep,
    QuestExecutionData,
    QuestExecutor,
    QuestNotFound,
    QuestRepository,
)
from questline_persistence.schema import runs
from tests.integration.seed_000.three_lords import PATIENCE, STACK, Calls, run, saved, three_steps
from tests.waiting import eventually


def test_a_saved_quest_is_loaded_as_it_was_saved(repo: QuestRepository) -> None:
    nested = {"deep": [{"er": [1, 2.5, None, True, "ünïcode", {"big": 2**80}]}]}
    quest = three_steps(labels={"team": "blue"}, run_data={"architect": nested})
    quest.input_data = {"service": "AuthService", "nested": nested}

    repo.save_quest(quest)
    loaded = repo.load_quest("q-001")

    assert (loaded.quest_id, loaded.quest_type, loaded.status) == ("q-001", "design_microservice", "new")
    assert loaded.input_data == quest.input_data
    assert loaded.run_data == {"architect": nested}
    assert [(step.lord_name, step.tool_name) for step in loaded.execution_stack] == list(STACK)
    assert (loaded.labels, loaded.schema_version) == ({"team": "blue"}, 1)


def test_saved_lord_runs_keep_their_timing_and_their_result(repo: QuestRepository) -> None:
    repo.save_quest(three_steps())

    first = repo.save_lord_run(
        "q-001",
        "architect",
        "design_system",
        status="error",
        start_time=10.0,
        end_time=10.5,
        input_data={"service": "AuthService"},
        error_message="out of paper",
        attempt_number=1,
        max_attempts=3,
    )
    second = repo.save_lord_run(
        "q-001", "architect", "design_system", run_index=2, start_time=11.0, end_time=13.0, output_data={"ok": True}
    )

    one, two = repo.runs("q-001")
    assert (one.run_id, one.status, one.error_message, one.duration_seconds) == (first, "error", "out of paper", 0.5)
    assert (one.input_data, one.attempt_number, one.max_attempts) == ({"service": "AuthService"}, 1, 3)
    assert (two.run_id, two.run_index, two.status, two.output_data) == (second, 2, "success", {"ok": True})
    assert (two.start_time, two.end_time, two.duration_seconds) == (11.0, 13.0, 2.0)


def test_a_saved_snapshot_is_the_latest_and_earlier_ones_stay(repo: QuestRepository) -> None:
    repo.save_quest(three_steps())
    rest = [LordStep(*names) for names in STACK[1:]]

    snapshot_id = repo.save_snapshot("q-001", {"architect": {"modules": []}}, rest, "pause")

    latest = repo.load_latest_snapshot("q-001")
    assert latest is not None
    assert (latest.snapshot_id, latest.version, latest.snapshot_reason) == (snapshot_id, 1, "pause")
    assert latest.run_data == {"architect": {"modules": []}}
    assert [step.lord_name for step in latest.execution_stack] == ["forge_master", "sentinel"]
    assert repo.load_snapshot("q-001", 0).run_data == {}
    assert repo.load_latest_snapshot("unknown") is None


def test_an_executed_quest_is_saved_at_its_start_after_each_lord_and_at_its_end(
    executor: QuestExecutor, repo: QuestRepository, calls: Calls
) -> None:
    result = run(executor.execute_quest(three_steps()))

    assert result.status is ExecutionStatus.COMPLETED
    assert result.output_data == {"approved": True, "reviewed": 2}
    assert list(result.run_data) == calls.made == ["architect", "forge_master", "sentinel"]
    kept = [(row["version"], row["snapshot_reason"]) for row in repo.snapshots("q-001")]
    assert kept == [(0, "start"), (1, "checkpoint"), (2, "checkpoint"), (3, "completed")]
    after_first = repo.load_snapshot("q-001", 1)
    assert list(after_first.run_data) == ["architect"]
    assert [step.lord_name for step in after_first.execution_stack] == ["forge_master", "sentinel"]
    assert [(one.lord_name, one.status) for one in repo.runs("q-001")] == [(name, "success") for name, _ in STACK]
    assert all(one.duration_seconds is not None and one.duration_seconds >= 0 for one in repo.runs("q-001"))


def test_a_running_quest_is_paused_with_a_snapshot_and_resumed_by_another_executor(
    repo: QuestRepository, calls: Calls
) -> None:
    calls.gates["architect"] = threading.Event()
    begun = threading.Event()
    hooks = ExecutionHooks(on_step_start=lambda _: begun.set())

    async def paused_while_running() -> tuple[QuestExecutionData, QuestExecutionData]:
        with QuestExecutor(hooks, repo) as first:
            running = asyncio.create_task(first.execute_quest(three_steps()))
            assert await asyncio.to_thread(begun.wait, PATIENCE)
            pausing = asyncio.create_task(first.pause_quest("q-001"))
            await asyncio.to_thread(eventually, lambda: repo.status("q-001") is ExecutionStatus.PAUSING)
            calls.gates["architect"].set()
            return await pausing, await running

    paused, stopped = asyncio.run(asyncio.wait_for(paused_while_running(), PATIENCE))
    assert paused.status is stopped.status is ExecutionStatus.PAUSED
    assert calls.made == ["architect"]
    snapshot = repo.load_latest_snapshot("q-001")
    assert snapshot is not None
    assert snapshot.snapshot_reason == "pause"
    assert [step.lord_name for step in snapshot.execution_stack] == ["forge_master", "sentinel"]

    with QuestExecutor(repository=repo) as second:
        result = run(second.resume_quest("q-001"))

    assert result.status is ExecutionStatus.COMPLETED
    assert calls.made == ["architect", "forge_master", "sentinel"]


def test_a_quest_is_replayed_from_its_beginning_or_from_a_lord(
    executor: QuestExecutor, repo: QuestRepository, calls: Calls
) -> None:
    run(executor.execute_quest(three_steps()))

    whole = run(executor.replay_quest("q-001"))
    assert (whole.status, whole.epoch) == ("completed", 1)
    assert calls.made[3:] == ["architect", "forge_master", "sentinel"]

    part = run(executor.replay_quest("q-001", from_lord="forge_master"))
    assert (part.status, part.epoch) == ("completed", 2)
    assert calls.made[6:] == ["forge_master", "sentinel"]
    assert part.run_data == whole.run_data
    assert len(repo.runs("q-001")) == 8


def test_quests_are_listed_newest_first_by_status_and_in_pages(repo: QuestRepository) -> None:
    for number in range(30):
        saved(repo, f"q-{number:02}", ExecutionStatus.FAILED if number % 10 == 0 else ExecutionStatus.COMPLETED)

    page_1 = repo.list_quests(limit=20, offset=0)
    page_2 = repo.list_quests(limit=20, offset=20)

    assert [quest.quest_id for quest in [*page_1, *page_2]] == [f"q-{number:02}" for number in reversed(range(30))]
    assert len(repo.list_quests(status=ExecutionStatus.COMPLETED, limit=50)) == 27
    assert [quest["quest_id"] for quest in repo.list_quests(status=ExecutionStatus.FAILED)] == ["q-20", "q-10", "q-00"]
    assert len(repo.list_quests()) == 30
    assert len(repo.list_quests(status=[ExecutionStatus.FAILED, "completed"], limit=10)) == 10


def test_quest_statistics_count_every_status_and_measure_durations(repo: QuestRepository) -> None:
    assert repo.get_quest_stats()["avg_duration_seconds"] is None
    for number, seconds in enumerate((2.0, 4.0, 9.0)):
        saved(repo, f"done-{number}", ExecutionStatus.COMPLETED, seconds)
    saved(repo, "bad", ExecutionStatus.FAILED, 1.0)
    saved(repo, "held", ExecutionStatus.PAUSED)
    saved(repo, "busy", ExecutionStatus.RUNNING)

    stats = repo.get_quest_stats()

    assert {key: stats[key] for key in ("total_quests", "completed", "failed", "running", "paused")} == {
        "total_quests": 6,
        "completed": 3,
        "failed": 1,
        "running": 1,
        "paused": 1,
    }
    assert stats["avg_duration_seconds"] == pytest.approx(4.0)
    assert (stats["max_duration_seconds"], stats["min_duration_seconds"]) == (9.0, 1.0)


def test_lord_statistics_give_success_in_percent_per_lord_and_tool(repo: QuestRepository) -> None:
    repo.save_quest(three_steps())
    for number in range(50):
        repo.save_lord_run(
            "q-001",
            "architect",
            "design_system",
            run_index=number + 1,
            status="error" if number < 2 else "success",
            start_time=0.0,
            end_time=1.0 + number / 100,
        )
    repo.save_lord_run("q-001", "sentinel", "review_code", start_time=0.0, end_time=3.0)

    (architect,) = repo.get_lord_stats(lord_name="architect")

    assert list(architect) == [
        "lord_name",
        "tool_name",
        "total_runs",
        "successful",
        "errors",
        "success_rate",
        "avg_duration_seconds",
        "max_duration_seconds",
        "min_duration_seconds",
    ]
    assert (architect["total_runs"], architect["successful"], architect["errors"]) == (50, 48, 2)
    assert architect["success_rate"] == 96.0
    assert architect["avg_duration_seconds"] == pytest.approx(1.245)
    assert (architect["max_duration_seconds"], architect["min_duration_seconds"]) == (1.49, 1.0)
    assert [row["lord_name"] for row in repo.get_lord_stats()] == ["architect", "sentinel"]
    assert repo.get_lord_stats("nobody") == []


def test_saving_a_quest_again_updates_its_status(repo: QuestRepository) -> None:
    quest = three_steps()
    repo.save_quest(quest)
    quest.status = ExecutionStatus.RUNNING
    repo.save_quest(quest)
    assert repo.load_quest("q-001").status is ExecutionStatus.RUNNING

    quest.status = ExecutionStatus.COMPLETED
    quest.execution_stack = []
    quest.output_data = {"approved": True}
    repo.save_quest(quest)

    loaded = repo.load_quest("q-001")
    assert (loaded.status, loaded.output_data, loaded.execution_stack) == ("completed", {"approved": True}, [])
    assert repo.snapshots("q-001")[-1]["snapshot_reason"] == "completed"
    assert len(repo.list_quests()) == 1


def test_a_deleted_quest_takes_its_runs_and_snapshots_with_it(repo: QuestRepository) -> None:
    saved(repo, "q-001", ExecutionStatus.COMPLETED)
    saved(repo, "other", ExecutionStatus.COMPLETED)
    repo.save_lord_run("q-001", "architect", "design_system")
    repo.save_snapshot("q-001")

    assert repo.delete_quest("q-001")

    with pytest.raises(QuestNotFound):
        repo.load_quest("q-001")
    assert repo.load_latest_snapshot("q-001") is None
    assert [quest.quest_id for quest in repo.list_quests()] == ["other"]
    left = repo.database.read(lambda connection: list(connection.execute(select(runs.c.run_id))))
    assert left == []
    assert not repo.delete_quest("q-001")
