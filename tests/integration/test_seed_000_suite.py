"""What a quest executor with persistence must do, on SQLite and on PostgreSQL, through the public names alone."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import create_engine, event, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from questline import (
    ExecutionHooks,
    ExecutionStatus,
    LordContext,
    LordStep,
    Permanent,
    QuestClient,
    QuestConflict,
    QuestExecutionData,
    QuestExecutor,
    QuestNotFound,
    QuestRepository,
    StoreUnavailable,
    lord,
)
from questline_persistence.dialects import parse_url
from questline_persistence.schema import runs
from questline_persistence.store import Database
from questline_scheduler import step_defaults
from questline_worker.lords import lords
from tests.waiting import eventually

#: Longest that anything here may take, in seconds.
PATIENCE = 20.0
STACK = (("architect", "design_system"), ("forge_master", "generate_code"), ("sentinel", "review_code"))


class Calls(NamedTuple):
    """What the three Lords of this suite were called for, and what they are to do."""

    made: list[str]
    faults: dict[str, Exception]
    gates: dict[str, threading.Event]


def call(calls: Calls, lord_name: str) -> None:
    """Note a Lord's call; wait at its gate, and raise its fault, if it has one."""
    calls.made.append(lord_name)
    if lord_name in calls.gates:
        assert calls.gates[lord_name].wait(PATIENCE)
    if lord_name in calls.faults:
        raise calls.faults[lord_name]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Three Lords, registered for this test alone."""
    noted = Calls([], {}, {})
    monkeypatch.setattr(lords, "_HANDLERS", {})
    monkeypatch.setattr(step_defaults, "_DEFAULTS", {})

    @lord("architect", "design_system")
    def design_system(_ctx: LordContext, service: str) -> dict[str, Any]:
        call(noted, "architect")
        return {"service": service, "modules": ["api", "storage"]}

    @lord("forge_master", "generate_code")
    async def generate_code(_ctx: LordContext, architect: dict[str, Any]) -> dict[str, Any]:
        await asyncio.to_thread(call, noted, "forge_master")
        return {"files": [f"{architect['service']}/{name}.py" for name in architect["modules"]]}

    @lord("sentinel", "review_code")
    def review_code(ctx: LordContext) -> dict[str, Any]:
        call(noted, "sentinel")
        return {"approved": True, "reviewed": len(ctx.outputs["forge_master"]["files"])}

    return noted


@pytest.fixture
def repo(database_url: str) -> Iterator[QuestRepository]:
    with QuestRepository(database_url) as repository:
        yield repository


@pytest.fixture
def executor(repo: QuestRepository) -> Iterator[QuestExecutor]:
    with QuestExecutor(repository=repo) as one:
        yield one


def three_steps(quest_id: str = "q-001", service: str = "AuthService", **more: Any) -> QuestExecutionData:
    return QuestExecutionData(
        quest_id=quest_id,
        quest_type="design_microservice",
        input_data={"service": service},
        execution_stack=[LordStep(*names) for names in STACK],
        **more,
    )


def run(work: Awaitable[QuestExecutionData]) -> QuestExecutionData:
    async def bounded() -> QuestExecutionData:
        return await asyncio.wait_for(work, PATIENCE)

    return asyncio.run(bounded())


def saved(repo: QuestRepository, quest_id: str, status: ExecutionStatus, seconds: float | None = None) -> None:
    """Keep a quest by hand that took `seconds`."""
    times: dict[str, Any] = {} if seconds is None else {"start_time": 1000.0, "end_time": 1000.0 + seconds}
    repo.save_quest(three_steps(quest_id, status=status, **times))


# The eleven


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


# Beyond the eleven


def test_the_repository_is_optional_and_a_quest_then_lives_in_memory(calls: Calls) -> None:
    with QuestExecutor(hooks=ExecutionHooks()) as executor:
        result = run(executor.execute_quest(three_steps()))
        assert executor.load_quest("q-001").run_data == result.run_data
    executor.repository.close()
    assert calls.made == ["architect", "forge_master", "sentinel"]


def test_a_quest_paused_here_is_resumed_by_another_process(
    repo: QuestRepository, calls: Calls, database_url: str
) -> None:
    calls.faults["forge_master"] = Permanent("not in this process")
    with QuestClient(database=repo.database) as client:
        client.submit(three_steps())
        assert client.pause("q-001", reason="maintenance").status is ExecutionStatus.PAUSED
    script = f"""
import asyncio
from questline import QuestExecutor, QuestRepository
from examples import seed_000
with QuestRepository({database_url!r}) as repo, QuestExecutor(repository=repo) as executor:
    print(asyncio.run(executor.resume_quest("q-001")).status)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "completed\n", done.stderr
    assert calls.made == []
    assert list(repo.load_quest("q-001").run_data) == ["architect", "forge_master", "sentinel"]


def test_a_failed_quest_keeps_its_error_its_error_snapshot_and_its_audit_trail(
    executor: QuestExecutor, repo: QuestRepository, calls: Calls
) -> None:
    calls.faults["forge_master"] = Permanent("the forge is cold")

    failed = run(executor.execute_quest(three_steps()))

    assert failed.status is ExecutionStatus.FAILED
    assert "the forge is cold" in str(failed.error)
    assert repo.snapshots("q-001")[-1]["snapshot_reason"] == "error"
    assert [(one.lord_name, one.status) for one in repo.runs("q-001")] == [
        ("architect", "success"),
        ("forge_master", "error"),
    ]
    assert "the forge is cold" in str(repo.runs("q-001")[1].error_message)


def test_a_quest_that_failed_half_way_goes_on_from_the_failed_lord(
    executor: QuestExecutor, repo: QuestRepository, calls: Calls
) -> None:
    calls.faults["forge_master"] = Permanent("the forge is cold")
    run(executor.execute_quest(three_steps()))
    del calls.faults["forge_master"]

    with QuestClient(database=repo.database) as client:
        client.retry("q-001")
    result = run(executor.resume_quest("q-001"))

    assert result.status is ExecutionStatus.COMPLETED
    assert calls.made.count("architect") == 1


def test_a_replay_runs_the_lords_as_they_are_now_on_the_same_input(
    executor: QuestExecutor, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run(executor.execute_quest(three_steps()))
    monkeypatch.delitem(lords._HANDLERS, "sentinel:review_code")

    @lord("sentinel", "review_code")
    def stricter(_ctx: LordContext, forge_master: dict[str, Any]) -> dict[str, Any]:
        return {"approved": len(forge_master["files"]) > 2}

    after = run(executor.replay_quest("q-001", from_lord="sentinel"))

    assert (before.output_data["approved"], after.output_data) == (True, {"approved": False})
    assert calls.made.count("forge_master") == 1


def test_two_configurations_are_compared_by_forks_of_one_quest(
    executor: QuestExecutor, repo: QuestRepository, calls: Calls
) -> None:
    run(executor.execute_quest(three_steps()))

    with QuestClient(database=repo.database) as client:
        for name, modules in (("a", ["api"]), ("b", ["api", "domain", "storage"])):
            client.fork("q-001", "forge_master", {"run_data.architect.modules": modules}, quest_id_new=name)
    outputs = [run(executor.resume_quest(name)).output_data for name in ("a", "b")]

    assert [output["reviewed"] for output in outputs] == [1, 3]
    assert calls.made.count("architect") == 1
    assert repo.load_quest("q-001").output_data["reviewed"] == 2


def test_a_human_answers_while_the_quest_is_paused(
    executor: QuestExecutor, repo: QuestRepository, calls: Calls
) -> None:
    with QuestClient(database=repo.database) as client:
        client.submit(three_steps(service="undecided"))
        client.pause("q-001", reason="which service?")
        assert repo.load_quest("q-001").reason == "which service?"
        client.replay("q-001", set={"input_data.service": "BillingService"})

    result = run(executor.resume_quest("q-001"))

    assert result.run_data["architect"]["service"] == "BillingService"
    assert calls.made == ["architect", "forge_master", "sentinel"]


def test_a_quest_that_could_not_be_saved_is_still_in_memory_and_saved_at_the_next_try(database_url: str) -> None:
    quest = three_steps(run_data={"architect": {"modules": ["api"]}})
    database = Database(database_url, patience=0.0)
    repo = QuestRepository(database)
    before = quest.to_json()

    with out_of_order(database), pytest.raises(StoreUnavailable):
        repo.save_quest(quest)

    assert quest.to_json() == before
    repo.save_quest(quest)
    assert repo.load_quest("q-001").run_data == quest.run_data
    database.close()


def test_old_completed_quests_are_found_and_deleted(repo: QuestRepository) -> None:
    for number in range(5):
        saved(repo, f"q-{number}", ExecutionStatus.COMPLETED, seconds=10.0 * number)
    saved(repo, "failed", ExecutionStatus.FAILED, seconds=1.0)

    for quest in repo.list_quests(status=ExecutionStatus.COMPLETED, limit=100, offset=0):
        if quest.end_time is not None and quest.end_time < 1025.0:
            assert repo.delete_quest(quest["quest_id"])

    assert sorted(quest.quest_id for quest in repo.list_quests()) == ["failed", "q-3", "q-4"]


def test_quests_in_the_hands_of_workers_cannot_be_overwritten_or_deleted(repo: QuestRepository, calls: Calls) -> None:
    with QuestClient(database=repo.database) as client:
        client.submit(three_steps())

    with pytest.raises(QuestConflict):
        repo.save_quest(three_steps())
    with pytest.raises(QuestConflict):
        repo.delete_quest("q-001")
    assert calls.made == []


def test_a_step_is_plain_json_with_its_retry_settings() -> None:
    step = LordStep("architect", "design_system", params={"depth": 2}, max_attempts=5, backoff_seconds=0.5)

    assert step.to_json() == {
        "lord_name": "architect",
        "tool_name": "design_system",
        "params": {"depth": 2},
        "max_attempts": 5,
        "timeout_seconds": 600.0,
        "backoff_seconds": 0.5,
        "queue": None,
    }
    assert LordStep(**json.loads(json.dumps(step.to_json()))) == step


def test_progress_counts_completed_and_remaining_steps(executor: QuestExecutor, calls: Calls) -> None:
    calls.faults["sentinel"] = Permanent("not today")

    quest = run(executor.execute_quest(three_steps()))

    assert quest.progress == {"completed": len(quest.run_data), "remaining": len(quest.execution_stack)}
    assert quest.progress == {"completed": 2, "remaining": 1}


def test_the_three_tables_have_the_documented_columns_and_indexes(database_url: str) -> None:
    engine = create_engine(parse_url(database_url))
    seen = inspect(engine)
    columns = {table: {column["name"] for column in seen.get_columns(table)} for table in DOCUMENTED}
    indexes = {
        (table, *[str(name) for name in index["column_names"]][: len(DOCUMENTED_INDEXES)])
        for table in DOCUMENTED
        for index in seen.get_indexes(table)
    }
    engine.dispose()

    assert all(names <= columns[table] for table, names in DOCUMENTED.items())
    assert all(any(found[: len(wanted)] == wanted for found in indexes) for wanted in DOCUMENTED_INDEXES)


def test_a_run_of_a_quest_that_does_not_exist_is_refused_by_the_database(repo: QuestRepository) -> None:
    statement = text(
        "INSERT INTO lord_runs (quest_id, lord_name, tool_name, run_index, status, start_time, input_data,"
        " max_attempts, created_at) VALUES ('nobody', 'a', 'b', 1, 'success', 0, '{}', 1, '')"
    )

    with pytest.raises(IntegrityError):
        repo.database.write(lambda connection: connection.execute(statement))


#: Every column that the description of the tables names.
DOCUMENTED = {
    "quest_executions": {
        "quest_id",
        "quest_type",
        "status",
        "start_time",
        "end_time",
        "duration_seconds",
        "input_data",
        "output_data",
        "execution_stack",
        "created_at",
        "updated_at",
        "schema_version",
    },
    "lord_runs": {
        "run_id",
        "quest_id",
        "lord_name",
        "tool_name",
        "run_index",
        "status",
        "start_time",
        "end_time",
        "duration_seconds",
        "input_data",
        "output_data",
        "error_message",
        "attempt_number",
        "max_attempts",
        "created_at",
    },
    "quest_snapshots": {"snapshot_id", "quest_id", "run_data", "execution_stack", "snapshot_reason", "created_at"},
}
#: The four indexes that it names, by table and leading columns.
DOCUMENTED_INDEXES = {
    ("quest_executions", "status"),
    ("quest_executions", "created_at"),
    ("lord_runs", "quest_id", "run_index"),
    ("lord_runs", "lord_name", "created_at"),
}


@contextmanager
def out_of_order(database: Database) -> Iterator[None]:
    """Have every statement fail for as long as the block lasts."""

    def refuse(*_: Any) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk I/O error"))

    listener: Callable[..., None] = refuse
    event.listen(database.engine, "before_cursor_execute", listener)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", listener)
