"""On whose event loop an executor's handlers run, and in which context."""

import asyncio
import contextvars
import threading
import time
from typing import Any

import pytest
from structlog.contextvars import bind_contextvars, get_contextvars

from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_scheduler.client import QuestClient
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, lord
from tests.integration.worker.executor.awaiting import run, until
from tests.integration.worker.executor.gate import Gate
from tests.integration.worker.executor.rows import ready
from tests.integration.worker.pools import LONG, quest
from tests.waiting import eventually


def test_an_async_handler_runs_on_the_loop_and_in_the_context_of_its_caller(executor: QuestExecutor) -> None:
    tenant = contextvars.ContextVar("tenant", default="nobody")

    @lord("async", "work")
    async def look(_: LordContext) -> list[Any]:
        seen = [asyncio.get_running_loop() is loops[-1], tenant.get(), get_contextvars().get("customer")]
        tenant.set("another")
        bind_contextvars(customer="another")
        return seen

    @lord("sync", "work")
    def look_too(_: LordContext) -> list[Any]:
        seen = [tenant.get(), get_contextvars().get("customer")]
        tenant.set("another")
        bind_contextvars(customer="another")
        return seen

    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> Any:
        loops.append(asyncio.get_running_loop())
        tenant.set("alice")
        done = await executor.execute_quest(quest("async", "sync", "async"))
        assert (tenant.get(), get_contextvars().get("customer")) == ("alice", None), "the caller's own has changed"
        return [one.output_data for one in executor.repository.runs(done.quest_id)]

    for _ in range(2):
        assert run(main()) == [[True, "alice", None], ["alice", None], [True, "alice", None]]


def test_quests_are_awaited_on_several_loops_at_once(executor: QuestExecutor, gate: Gate) -> None:
    ends: list[str] = []
    threads = [
        threading.Thread(target=lambda: ends.append(run(executor.execute_quest(quest("waiting", "blocking"))).status))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: len(gate.begun) == 4, timeout=LONG)
    gate.open.set()
    for thread in threads:
        thread.join(LONG)
    assert ends == ["completed"] * 4


def test_a_handler_that_blocks_its_callers_loop_holds_up_no_heartbeat(
    repo: QuestRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_HEARTBEAT_SECONDS", "0.1")
    monkeypatch.setenv("QUESTLINE_LEASE_SECONDS", "2")

    @lord("rude", "work")
    async def rude(_: LordContext) -> str:
        began, before = time.time(), beat()
        while time.time() - began < 1.0 or beat() == before:
            threading.Event().wait(0.05)  # as a library that knows no asyncio would
        return "done"

    def beat() -> float:
        return repo.database.read(lambda own: own.exec_driver_sql("SELECT heartbeat_at FROM workers").scalar_one())

    with QuestExecutor(repository=repo) as executor:
        done = run(executor.execute_quest(quest("rude")))
    assert (done.status, [one.attempt_number for one in repo.runs(done.quest_id)]) == ("completed", [1])


def test_a_sync_step_that_takes_too_long_is_tried_again_while_it_hangs(executor: QuestExecutor, gate: Gate) -> None:
    tries: list[int] = []

    @lord("slow", "work")
    def slow(context: LordContext) -> str:
        tries.append(context.attempt)
        if context.attempt == 1:
            gate.open.wait(LONG)
        return "done"

    step = LordStep("slow", "work", timeout_seconds=0.5, backoff_seconds=0.1)
    done = run(executor.execute_quest(QuestExecutionData(quest_type="t", execution_stack=[step])))
    assert (done.status, tries) == ("completed", [1, 2])


def test_a_coroutine_that_goes_on_though_its_claim_is_gone_holds_its_quest_up_no_longer(
    executor: QuestExecutor, gate: Gate
) -> None:
    @lord("stubborn", "work")
    async def stubborn(_: LordContext) -> None:
        while not gate.open.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                gate.cancelled.append("heard")

    async def main() -> str:
        one = quest("stubborn")
        task = asyncio.create_task(executor.execute_quest(one))
        await until(lambda: ready(executor.repository, one.quest_id) == [("0001", "running", 0)])
        with QuestClient(database=executor.repository.database) as client:
            await asyncio.to_thread(client.cancel, one.quest_id)
        done = await task
        assert gate.cancelled
        gate.open.set()
        return str(done.status)

    assert run(main()) == "cancelled"
