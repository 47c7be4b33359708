"""What people use a quest executor with persistence for, beyond the eleven tests."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from questline import (
    ExecutionHooks,
    ExecutionStatus,
    LordContext,
    Permanent,
    QuestClient,
    QuestConflict,
    QuestExecutor,
    QuestRepository,
    StoreUnavailable,
    lord,
)
from questline_persistence.store import Database
from questline_worker.lords import lords
from tests.integration.seed_000.three_lords import Calls, run, saved, three_steps


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
        cwd=Path(__file__).parents[3],
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
