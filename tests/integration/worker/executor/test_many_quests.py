"""An executor runs many quests at once, and answers meanwhile."""

import asyncio
import threading
from typing import Any

import pytest

from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_worker.executor import QuestExecutor
from questline_worker.executor.store_calls import MOST_CALLS
from questline_worker.lords import ExecutionHooks, LordContext, lord
from questline_worker.steps.driven_steps import CLAIMERS, SETTLERS
from tests.integration.worker.executor.awaiting import run, until
from tests.integration.worker.executor.gate import Gate
from tests.integration.worker.pools import LONG, quest

#: Quests at a time: more than asyncio's own pool has threads.
MANY = 50


def test_async_steps_wait_at_once_without_a_thread_and_leave_asyncios_own_pool_alone(
    executor: QuestExecutor, gate: Gate
) -> None:
    before = {*threading.enumerate()}

    async def main() -> tuple[int, str]:
        tasks = [asyncio.create_task(executor.execute_quest(quest("waiting"))) for _ in range(MANY)]
        await until(lambda: len(gate.begun) == MANY)
        threads = {*threading.enumerate()} - before
        answer = await asyncio.to_thread(lambda: "at once")
        gate.open.set()
        assert {done.status for done in await asyncio.gather(*tasks)} == {"completed"}
        return len(threads), answer

    threads, answer = run(main())
    assert threads <= CLAIMERS + SETTLERS + MOST_CALLS + 2  # heartbeat and sweep
    assert answer == "at once"


def test_a_pause_is_answered_with_many_quests_under_way(executor: QuestExecutor, gate: Gate) -> None:
    async def main() -> None:
        quests = [quest("waiting", "waiting") for _ in range(MANY)] + [quest("blocking", "waiting")]
        tasks = [asyncio.create_task(executor.execute_quest(one)) for one in quests]
        await until(lambda: len(gate.begun) == MANY + 1)
        pauses = [asyncio.create_task(executor.pause_quest(quests[one])) for one in (0, -1)]
        await until(lambda: all(executor.repository.status(quests[one].quest_id) == "pausing" for one in (0, -1)))
        assert gate.ended == []
        gate.open.set()
        assert [done.status for done in await asyncio.gather(*pauses)] == ["paused"] * 2
        ends = [str(done.status) for done in await asyncio.gather(*tasks)]
        assert (ends.count("paused"), ends.count("completed")) == (2, MANY - 1)

    run(main())


@pytest.mark.parametrize("kind", ["async", "sync", "sync on the caller's loop"])
def test_quests_that_wait_for_quests_of_the_same_executor_end(executor: QuestExecutor, kind: str) -> None:
    def tree(children: list[Any]) -> QuestExecutionData:
        return QuestExecutionData(
            quest_type="t", execution_stack=[LordStep("node", "work", params={"below": children})]
        )

    async def all_of(children: list[Any]) -> int:
        below = await asyncio.gather(*(executor.execute_quest(tree(one)) for one in children))
        return 1 + sum(one.output_data for one in below)

    async def grow(_: LordContext, below: list[Any]) -> int:
        return await all_of(below)

    def grow_in_thread(_: LordContext, below: list[Any]) -> int:
        if kind == "sync":
            return asyncio.run(all_of(below))
        return asyncio.run_coroutine_threadsafe(all_of(below), loops[0]).result(LONG)

    loops: list[asyncio.AbstractEventLoop] = []
    lord("node", "work")(grow if kind == "async" else grow_in_thread)

    async def main() -> Any:
        loops.append(asyncio.get_running_loop())
        return (await executor.execute_quest(tree([[[[]]]] * (CLAIMERS + 4)))).output_data

    assert run(main()) == 1 + 4 * (CLAIMERS + 4) - (CLAIMERS + 4)


def test_what_hooks_do_holds_up_no_pause(repo: QuestRepository, gate: Gate) -> None:
    hooks = ExecutionHooks(on_step_end=lambda _: gate.open.wait(LONG))

    @lord("quick", "work")
    async def quick(context: LordContext) -> None:
        gate.begun.append(context.quest_id)

    with QuestExecutor(hooks, repo) as executor:

        async def main() -> None:
            quests = [quest("quick", "quick") for _ in range(2 * SETTLERS)]
            tasks = [asyncio.create_task(executor.execute_quest(one)) for one in quests]
            await until(lambda: len(gate.begun) == len(quests))
            pause = asyncio.create_task(executor.pause_quest(quests[-1].quest_id))
            await until(lambda: repo.status(quests[-1].quest_id) == "pausing")
            gate.open.set()
            assert (await pause).status == "paused"
            await asyncio.gather(*tasks)

        run(main())
