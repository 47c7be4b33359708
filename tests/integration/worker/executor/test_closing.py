"""An executor that is closed gives back what it had."""

import asyncio
import threading

import pytest

from questline_persistence.claims import Doorbell
from questline_persistence.errors import QuestConflict
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_worker.executor import QuestExecutor
from questline_worker.executor.runnable_steps import RunnableSteps
from questline_worker.lords import LordContext, lord
from tests.integration.worker.executor.awaiting import run, until
from tests.integration.worker.executor.gate import Gate
from tests.integration.worker.executor.rows import ready, worker_states
from tests.integration.worker.pools import LONG, quest
from tests.waiting import eventually


def test_closing_ends_the_sync_step_under_way_and_gives_back_the_async_one(
    repo: QuestRepository, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    executor = QuestExecutor(repository=repo)
    sync, later = quest("blocking", "blocking"), quest("never", "never")

    @lord("never", "work")
    async def never(context: LordContext) -> None:
        gate.begun.append(context.position)
        try:
            await asyncio.Event().wait()
        finally:
            gate.cancelled.append(context.position)

    async def main() -> None:
        tasks = [asyncio.create_task(executor.execute_quest(one)) for one in (sync, later)]
        await until(lambda: len(gate.begun) == 2)
        threading.Timer(0.2, gate.open.set).start()
        executor.close()
        for task in tasks:
            with pytest.raises(QuestConflict, match="closed while quest"):
                await task
            assert not task.cancelled()

    run(main())
    assert ready(repo, sync.quest_id) == [("0002", "ready", 0)]
    assert ready(repo, later.quest_id) == [("0001", "ready", 0)]
    assert (gate.ended, gate.cancelled, len(gate.begun)) == (["0001"], ["0001"], 2)
    assert worker_states(repo) == ["stopped"]
    assert "step_released" in caplog.text
    assert "claim_lost" not in caplog.text  # it was given back


def test_closing_gives_back_a_sync_step_that_does_not_end_in_time(
    repo: QuestRepository, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_SHUTDOWN_SECONDS", "0.1")
    executor = QuestExecutor(repository=repo)
    one = quest("blocking", "blocking")

    async def main() -> None:
        task = asyncio.create_task(executor.execute_quest(one))
        await until(lambda: gate.begun)
        await asyncio.to_thread(executor.close)
        with pytest.raises(QuestConflict):
            await task

    run(main())
    assert ready(repo, one.quest_id) == [("0001", "ready", 0)]
    gate.open.set()
    eventually(lambda: gate.ended == ["0001"])
    assert (ready(repo, one.quest_id), worker_states(repo)) == ([("0001", "ready", 0)], ["stopped"])


def test_a_step_that_waits_for_a_quest_is_given_back_when_its_executor_is_closed(
    repo: QuestRepository, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = QuestExecutor(repository=repo)
    running, stop = executor._process.running, executor._sweeps.stop

    def stop_late() -> None:
        eventually(lambda: one.quest_id not in {step.claim.quest_id for step in running.all()})
        stop()

    @lord("parent", "work")
    def parent(_: LordContext) -> None:
        asyncio.run(executor.execute_quest(quest("waiting")))

    one = QuestExecutionData(quest_type="t", execution_stack=[LordStep("parent", "work", max_attempts=1)])

    async def main() -> None:
        task = asyncio.create_task(executor.execute_quest(one))
        await until(lambda: gate.begun)
        monkeypatch.setattr(executor._sweeps, "stop", stop_late)
        executor.close()
        with pytest.raises(QuestConflict):
            await task

    run(main())
    assert ready(repo, one.quest_id) == [("0001", "ready", 0)]


def test_a_closed_executor_says_so_and_may_be_closed_again(gate: Gate) -> None:
    gate.open.set()
    with QuestExecutor() as executor:
        assert run(executor.execute_quest(quest("waiting"))).status == "completed"
        executor.close()
        for work in (
            executor.execute_quest(quest("waiting")),
            executor.resume_quest("q"),
            executor.replay_quest("q"),
            executor.pause_quest("q"),
        ):
            with pytest.raises(QuestConflict, match="this executor is closed"):
                run(work)
    executor.close()
    QuestExecutor().close()


def test_a_system_without_another_thread_is_not_taken_for_a_closed_executor(
    executor: QuestExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    @lord("async", "work")
    async def work(_: LordContext) -> str:
        return "done"

    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(executor._calls._threads, "submit", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            asyncio.run(executor.execute_quest(quest("async")))
    monkeypatch.setattr(executor._steps._settlers, "submit", no_thread)
    ended = asyncio.run(asyncio.wait_for(executor.execute_quest(quest("async")), LONG))
    assert (ended.status, ended.output_data) == ("completed", "done")


def test_who_awaits_a_quest_that_is_paused_has_it_before_the_executor_is_closed(
    repo: QuestRepository, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, find = quest("waiting", "waiting"), RunnableSteps.find

    def find_late(self: RunnableSteps, quest_id: str) -> Doorbell | bool:
        threading.Event().wait(0.5 if gate.open.is_set() else 0.0)
        return find(self, quest_id)

    async def main() -> None:
        monkeypatch.setattr(RunnableSteps, "find", find_late)
        executor = QuestExecutor(repository=repo)
        task = asyncio.create_task(executor.execute_quest(one))
        await until(lambda: gate.begun)
        pause = asyncio.create_task(executor.pause_quest(one.quest_id))
        await until(lambda: repo.status(one.quest_id) == "pausing")
        gate.open.set()
        await pause
        executor.close()
        assert (await task).status == "paused"

    run(main())


def test_a_pause_waits_for_no_task_that_was_left_with_its_event_loop(repo: QuestRepository, gate: Gate) -> None:
    one, left = quest("blocking", "blocking"), asyncio.new_event_loop()
    with QuestExecutor(repository=repo) as executor:
        task = left.create_task(executor.execute_quest(one))
        left.run_until_complete(asyncio.wait_for(until(lambda: gate.begun), LONG))

        async def main() -> QuestExecutionData:
            pause = asyncio.create_task(executor.pause_quest(one.quest_id))
            await until(lambda: repo.status(one.quest_id) == "pausing")
            gate.open.set()
            return await pause

        assert run(main()).status == "paused"
        assert left.run_until_complete(asyncio.wait_for(task, LONG)).status == "paused"
    left.close()
