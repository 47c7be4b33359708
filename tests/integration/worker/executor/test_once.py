"""Calls that run once, in quests that are run in the process that awaits them."""

import asyncio

import pytest

from questline_persistence.models import LordStep, QuestExecutionData
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, lord
from tests.integration.worker.executor.awaiting import run


@pytest.mark.parametrize(("keep_once", "calls"), [(False, 6), (True, 3)])
def test_an_executor_serves_what_an_attempt_before_has_recorded_and_a_replay_if_it_is_asked_to(
    executor: QuestExecutor, keep_once: bool, calls: int
) -> None:
    called: list[str] = []

    async def fetch(url: str) -> str:
        await asyncio.sleep(0)
        called.append(url)
        return url.upper()

    @lord("a", "work", max_attempts=2)
    async def work(ctx: LordContext) -> list[str]:
        first = await ctx.once("first", fetch, "first")
        rest = await asyncio.gather(*(ctx.once(url, fetch, url) for url in ("second", "third")))
        if ctx.attempt == 1 and ctx.epoch == 0:
            raise OSError("the answer was lost")
        return [first, *rest]

    step = LordStep("a", "work", backoff_seconds=0)

    async def main() -> tuple[QuestExecutionData, int, QuestExecutionData]:
        done = await executor.execute_quest(QuestExecutionData(quest_type="test", execution_stack=[step]))
        before = len(called)
        return done, before, await executor.replay_quest(done.quest_id, keep_once=keep_once)

    done, before, again = run(main())
    assert done.output_data == again.output_data == ["FIRST", "SECOND", "THIRD"]
    assert (before, len(called)) == (3, calls)
