import asyncio
from collections.abc import Iterator
from threading import Event

import pytest

from questline_persistence.errors import QuestConflict
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states import StateStore
from questline_worker.lords import LordContext, Snooze, lord
from questline_worker.testing import StagedExecutor, staged_executor
from tests.unit.worker.testing.test_whole_quest import quest
from tests.waiting import eventually

HOUR = 3600.0


@pytest.fixture
def executor() -> Iterator[StagedExecutor]:
    with StagedExecutor() as executor:
        yield executor


def test_what_is_kept_for_a_time_is_over_once_the_clock_was_moved(executor: StagedExecutor) -> None:
    async def snapshots() -> list[int]:
        async with StateStore(executor.repository.database) as store:
            await store.save_agent_state(AgentState(agent_id="planner"))
            await store.create_snapshot("planner", expires_in=HOUR)
            before = len(await store.list_snapshots("planner"))
            executor.move_clock(HOUR + 1)
            return [before, len(await store.list_snapshots("planner"))]

    assert asyncio.run(snapshots()) == [1, 0]


def test_a_worker_is_not_taken_for_lost_when_the_clock_jumps_while_a_step_runs(executor: StagedExecutor) -> None:
    begun, goes_on = Event(), Event()

    @lord("worker", "wait")
    def wait(ctx: LordContext) -> bool:
        begun.set()
        goes_on.wait(30)
        ctx.raise_if_cancelled()
        return True

    async def test() -> int:
        running = asyncio.create_task(executor.execute_quest(quest(wait)))
        await asyncio.to_thread(begun.wait, 30)
        executor.move_clock(30 * HOUR)
        lost = executor._sweeper.sweep().lost_workers
        goes_on.set()
        return len(lost) + (await running).steps[0].lost

    assert asyncio.run(test()) == 0


def test_a_quest_that_is_put_off_for_ever_is_given_up(
    executor: StagedExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_executor, "MAX_JUMPS", 3)

    @lord("poller", "look")
    def look(_: LordContext) -> Snooze:
        return Snooze(HOUR)

    with pytest.raises(QuestConflict, match="jumped 3 times"):
        executor.run(quest(look))


def test_time_does_not_go_back(executor: StagedExecutor) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        executor.move_clock(-1)


def test_quests_that_wait_do_not_hold_each_other_up(executor: StagedExecutor) -> None:
    @lord("model", "ask")
    async def ask(ctx: LordContext, wait: float) -> float:
        if ctx.attempt == 1:
            raise ConnectionError
        return wait

    async def test() -> list[str]:
        quests = [quest(ask, input_data={"wait": hours * HOUR}) for hours in (1, 5, 2)]
        return [ended.status for ended in await asyncio.gather(*map(executor.execute_quest, quests))]

    assert asyncio.run(test()) == ["completed"] * 3


def test_after_a_crash_the_process_goes_on_as_another_worker(executor: StagedExecutor) -> None:
    @lord("billing", "charge")
    def charge(_: LordContext) -> None: ...

    executor.crash_at(charge)
    ended = executor.run(quest(charge, charge))

    workers = [run.worker_id for run in executor.repository.runs(ended.quest_id)]
    states = {worker.worker_id: worker.state for worker in executor._process.register.all()}
    assert len({*workers}) == 2
    assert [states[worker] for worker in workers if worker is not None] == ["lost", "live", "live"]


def test_a_paused_quest_goes_on_when_it_is_resumed(executor: StagedExecutor) -> None:
    begun, goes_on = Event(), Event()

    @lord("worker", "wait")
    def wait(_: LordContext) -> None:
        begun.set()
        goes_on.wait(30)

    async def test() -> list[str]:
        running = asyncio.create_task(executor.execute_quest(quest(wait, wait)))
        await asyncio.to_thread(begun.wait, 30)
        pausing = asyncio.create_task(executor.pause_quest(running_id(executor)))
        await asyncio.to_thread(eventually, lambda: executor.repository.status(running_id(executor)) == "pausing")
        goes_on.set()
        paused = await pausing
        await running
        return [paused.status, (await executor.resume_quest(paused)).status]

    assert asyncio.run(test()) == ["paused", "completed"]


def running_id(executor: StagedExecutor) -> str:
    return executor.repository.list_quests()[0].quest_id
