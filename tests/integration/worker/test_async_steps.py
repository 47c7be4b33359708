"""Async steps wait without a thread, and everything that holds for a running step holds for them."""

import asyncio
import contextvars
import threading
from typing import Any

import pytest
from structlog.contextvars import bind_contextvars, get_contextvars

from questline_persistence.models import LordStep, QuestExecutionData
from questline_worker.lords import LordContext, lord
from questline_worker.steps import async_steps
from questline_worker.steps.blocking_calls import CALLS_PER_STEP
from tests.integration.worker.crowd import Crowd, quests
from tests.integration.worker.pools import LONG, Pool, completed, ended, errors, quest, steps, successes
from tests.waiting import eventually


def test_two_hundred_steps_wait_at_once_on_two_threads(pool: Pool) -> None:
    crowd = Crowd()
    member = pool.start(threads=2)
    client = pool.client()
    handles = client.submit_many(quests(200))
    crowd.wait_for(200)
    assert len(member.process.running.all()) == 200
    crowd.let_go(member)
    for handle in handles:
        assert completed(handle).output_data == "0001"
        assert [run.attempt_number for run in client.runs(handle.quest_id)] == [1]
    assert sorted(crowd.begun) == sorted(handle.quest_id for handle in handles)


def test_never_more_async_steps_are_under_way_than_allowed(pool: Pool) -> None:
    crowd = Crowd()
    member = pool.start(threads=2, max_async=5)
    handles = pool.client().submit_many(quests(30))
    eventually(lambda: len(member.process.running.all()) == 7, timeout=LONG, message="no thread waits")
    assert crowd.now == 5
    crowd.let_go(member)
    for handle in handles:
        completed(handle)
    assert crowd.most == 5
    assert len(crowd.begun) == 30


def test_a_sync_step_does_not_wait_for_waiting_async_ones(pool: Pool) -> None:
    crowd = Crowd()

    @lord("quick", "work")
    def quick(_: LordContext) -> str:
        return threading.current_thread().name

    member = pool.start(threads=1)
    client = pool.client()
    client.submit_many(quests(20))
    crowd.wait_for(20)
    done = completed(client.submit(quest("quick", "quick")))
    assert done.output_data != "questline-asyncio"
    assert crowd.now == 20
    crowd.let_go(member)


def test_no_step_sees_what_an_earlier_one_set_in_its_context(pool: Pool) -> None:
    tenant = contextvars.ContextVar("tenant", default="nobody")

    def look(_: LordContext) -> list[Any]:
        seen = [tenant.get(), get_contextvars().get("customer")]
        tenant.set("alice")
        bind_contextvars(customer="alice")
        return seen

    async def look_later(context: LordContext) -> list[Any]:
        return look(context)

    lord("now", "work")(look)
    lord("later", "work")(look_later)
    pool.start(threads=1)
    names = ["now", "later", "now", "later"]
    client = pool.client()
    done = completed(client.submit(quest(*names)))
    assert [run.output_data for run in client.runs(done.quest_id)] == [["nobody", None]] * 4


def test_blocking_calls_that_hang_keep_no_later_step_from_making_its_own(pool: Pool) -> None:
    gate = pool.gate()

    @lord("hanging", "work")
    async def hanging(_: LordContext) -> None:
        await asyncio.to_thread(gate.wait)

    @lord("quick", "work")
    async def quick(_: LordContext) -> str:
        return await asyncio.to_thread(lambda: "done")

    pool.start(threads=2)
    client = pool.client()
    stack = [LordStep("hanging", "work", timeout_seconds=0.5, max_attempts=1)]
    hung = client.submit_many(
        [QuestExecutionData(quest_type="t", execution_stack=stack) for _ in range(CALLS_PER_STEP + 2)]
    )
    for handle in hung:
        ended(client, handle.quest_id, "failed")
    assert completed(client.submit(quest("quick"))).output_data == "done"


def test_a_step_that_finds_as_many_as_allowed_under_way_is_run_by_another_worker(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_steps, "PATIENCE_SECONDS", 0.1)
    full, other = Crowd(), Crowd("other")
    first = pool.start(threads=1, max_async=1)
    client = pool.client()
    client.submit(quest("crowd"))
    full.wait_for(1)
    handle = client.submit(quest("other"))
    eventually(lambda: client.repository.status(handle.quest_id) == "running", timeout=LONG)
    second = pool.start(threads=1)
    other.wait_for(1)
    other.let_go(second)
    completed(handle)
    (run,) = client.runs(handle.quest_id)
    assert (run.attempt_number, run.worker_id) == (1, second.worker_id)
    assert (full.now, other.most) == (1, 1)
    full.let_go(first)


def test_a_quest_pauses_when_its_waiting_step_has_ended(pool: Pool) -> None:
    crowd = Crowd()
    member = pool.start(threads=1)
    client = pool.client()
    handle = client.submit(quest("crowd", "crowd"))
    crowd.wait_for(1)
    client.pause(handle.quest_id)
    assert client.get(handle.quest_id).status == "pausing"
    crowd.let_go(member)
    ended(client, handle.quest_id, "paused")
    assert successes(client, handle.quest_id) == [(0, "0001")]
    client.resume(handle.quest_id)
    completed(handle)
    assert len(crowd.begun) == 2


def test_a_quest_that_is_paused_while_its_step_waits_for_its_turn_is_paused_before_it_begins(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_steps, "PATIENCE_SECONDS", 1.0)
    crowd = Crowd()
    member = pool.start(threads=1, max_async=1)
    client = pool.client()
    client.submit(quest("crowd"))
    crowd.wait_for(1)
    handle = client.submit(quest("crowd"))
    eventually(lambda: len(member.process.running.all()) == 2, timeout=LONG)
    client.pause(handle.quest_id)
    ended(client, handle.quest_id, "paused")
    assert crowd.begun.count(handle.quest_id) == 0
    crowd.let_go(member)
    client.resume(handle.quest_id)
    completed(handle)
    assert errors(client, handle.quest_id) == []


def test_an_async_step_pushes_steps(pool: Pool) -> None:
    @lord("planner", "work")
    async def plan(context: LordContext) -> str:
        await asyncio.sleep(0)
        context.push(*steps("builder", "builder"))
        return "planned"

    @lord("builder", "work")
    async def build(context: LordContext, planner: str) -> str:
        await asyncio.sleep(0)
        return f"{planner} {context.position}"

    pool.start(threads=1)
    client = pool.client()
    done = completed(client.submit(quest("planner")))
    assert successes(client, done.quest_id) == [(0, "0001"), (0, "0001.0001"), (0, "0001.0002")]
    assert done.output_data == "planned 0001.0002"
