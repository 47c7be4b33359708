"""What an executor makes of workers that ended, and of those that died."""

from typing import Any

import pytest

from questline_persistence.records import QuestRepository
from questline_scheduler.client import QuestClient
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, lord
from questline_worker.steps import company
from tests.integration.worker.executor.awaiting import run
from tests.integration.worker.executor.gate import Gate
from tests.integration.worker.executor.rows import worker_states
from tests.integration.worker.pools import quest


def test_an_executor_forgets_workers_that_ended_long_ago(repo: QuestRepository, gate: Gate) -> None:
    gate.open.set()
    for _ in range(2):
        with QuestExecutor(repository=repo) as executor:
            assert run(executor.execute_quest(quest("waiting"))).status == "completed"
        repo.database.write(lambda own: own.exec_driver_sql("UPDATE workers SET ended_at = ended_at - 172800"))
    assert len(worker_states(repo)) == 1


def test_a_step_whose_process_died_while_it_awaited_a_quest_awaits_it_again(
    repo: QuestRepository, executor: QuestExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company, "APART_SECONDS", 0.5)

    @lord("inner", "work")
    def inner(_context: LordContext) -> str:
        return "inner"

    @lord("outer", "work")
    async def outer(_context: LordContext) -> Any:
        return (await executor.execute_quest(quest("inner"))).output_data

    with QuestClient(database=repo.database) as client:
        handle = client.submit(quest("outer"))
    alone = "UPDATE tickets SET lost = 1, lost_alone = 1, company = 1"  # it alone ran then
    repo.database.write(lambda connection: connection.exec_driver_sql(alone) and None, at="count")
    assert run(executor.resume_quest(handle)).output_data == "inner"
