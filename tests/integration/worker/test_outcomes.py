"""What handlers may do, and what becomes of their steps (docs/project/faults.md, fault 9)."""

import asyncio
import sys
import threading
import time

import pytest

from questline_persistence.errors import QuestFailed
from questline_persistence.models import LordStep
from questline_worker.lords import LordContext, Permanent, Retry, Snooze, lord
from tests.integration.worker.pools import LONG, Pool, completed, ended, errors, quest, steps, successes
from tests.waiting import eventually


def test_a_quest_runs_to_its_end_and_keeps_every_output(pool: Pool) -> None:
    @lord("adder", "work")
    def add(_: LordContext, number: int) -> int:
        return number + 1

    @lord("doubler", "work")
    def double(_: LordContext, adder: int) -> dict[str, int]:
        return {"doubled": adder * 2}

    pool.start()
    client = pool.client()
    done = completed(client.submit(quest("adder", "doubler", input_data={"number": 20})))
    assert done.output_data == {"doubled": 42}
    assert done.run_data == {"adder": 21, "doubler": {"doubled": 42}}
    assert done.execution_stack == []
    assert successes(client, done.quest_id) == [(0, "0001"), (0, "0002")]


def test_duratiq_13_an_async_function_is_awaited(pool: Pool) -> None:
    @lord("async", "work")
    async def work(_: LordContext) -> str:
        await asyncio.sleep(0)
        return "awaited"

    pool.start()
    assert completed(pool.client().submit(quest("async"))).output_data == "awaited"


def test_duratiq_13_an_async_function_behind_a_plain_decorator_is_awaited(sqlite_pool: Pool) -> None:
    async def hidden() -> str:
        await asyncio.sleep(0)
        return "awaited"

    @lord("async", "work")
    def work(_: LordContext) -> object:
        return hidden()

    sqlite_pool.start()
    assert completed(sqlite_pool.client().submit(quest("async"))).output_data == "awaited"


def test_a_failing_step_is_tried_again_until_it_succeeds(pool: Pool) -> None:
    attempts: list[int] = []
    keys: set[str] = set()

    @lord("flaky", "work")
    def work(context: LordContext) -> int:
        attempts.append(context.attempt)
        keys.add(context.idempotency_key)
        if context.attempt < 3:
            raise ValueError(f"attempt {context.attempt} is too early")
        return context.attempt

    pool.start()
    client = pool.client()
    done = completed(client.submit(quest("flaky")))
    assert done.output_data == 3
    assert attempts == [1, 2, 3]
    assert len(keys) == 1, "the idempotency key changed between attempts"
    assert [run.attempt_number for run in errors(client, done.quest_id)] == [1, 2]


def test_a_step_may_be_snoozed_more_often_than_it_may_be_tried(pool: Pool) -> None:
    begun: list[tuple[int, float]] = []

    @lord("poller", "work")
    def work(context: LordContext) -> Snooze | int:
        begun.append((context.attempt, time.monotonic()))
        return Snooze(0.1) if len(begun) < 5 else len(begun)

    pool.start()
    client = pool.client()
    done = completed(client.submit(quest(LordStep("poller", "work", max_attempts=1))))
    assert done.output_data == 5
    assert [attempt for attempt, _ in begun] == [1] * 5
    assert begun[-1][1] - begun[0][1] >= 4 * 0.1
    assert [(run.status, run.attempt_number) for run in client.runs(done.quest_id)] == [("success", 1)]
    assert (done.steps[0].attempts, done.steps[0].lost) == (1, 0)


def test_a_step_that_fails_too_often_fails_its_quest_with_the_handlers_traceback(pool: Pool) -> None:
    @lord("broken", "work")
    def work(_: LordContext) -> None:
        raise ValueError("the well is dry")

    pool.start()
    client = pool.client()
    handle = client.submit(quest(*steps("broken", max_attempts=2)))
    with pytest.raises(QuestFailed, match="the well is dry") as failed:
        handle.wait(LONG)
    assert failed.value.status == "failed"
    error = client.get(handle.quest_id).error or ""
    assert error.startswith("ValueError: the well is dry")
    assert 'raise ValueError("the well is dry")' in error
    assert "questline_worker" not in error
    assert len(errors(client, handle.quest_id)) == 2


def test_a_permanent_error_fails_the_quest_at_once(pool: Pool) -> None:
    @lord("sure", "work")
    def work(_: LordContext) -> None:
        raise Permanent("no such customer")

    pool.start()
    client = pool.client()
    failed = ended(client, client.submit(quest("sure")).quest_id, "failed")
    assert "no such customer" in (failed.error or "")
    assert len(errors(client, failed.quest_id)) == 1


def test_retry_after_waits_as_long_as_it_says(pool: Pool) -> None:
    @lord("patient", "work")
    def work(context: LordContext) -> int:
        if context.attempt == 1:
            raise Retry("come back", after=0.7)
        return context.attempt

    pool.start()
    client = pool.client()
    # The usual back-off would be an hour.
    done = completed(client.submit(quest(*steps("patient", backoff_seconds=3_600))))
    first, second = client.runs(done.quest_id)
    assert "come back" in (first.error_message or "")
    assert second.start_time - (first.end_time or 0) >= 0.69


def test_retry_spends_an_attempt(sqlite_pool: Pool) -> None:
    @lord("patient", "work")
    def work(_: LordContext) -> None:
        raise Retry(after=0)

    sqlite_pool.start()
    client = sqlite_pool.client()
    failed = ended(client, client.submit(quest("patient")).quest_id, "failed")
    assert len(errors(client, failed.quest_id)) == 3


def test_fault_09_duratiq_7_a_result_that_is_not_json_fails_the_step_with_a_clear_error(pool: Pool) -> None:
    calls: list[int] = []

    @lord("artist", "work")
    def work(context: LordContext) -> object:
        calls.append(context.attempt)
        return {"brush", "canvas"}

    pool.start()
    client = pool.client()
    failed = ended(client, client.submit(quest("artist")).quest_id, "failed")
    assert "the output of artist:work is not JSON" in (failed.error or "")
    assert calls == [1], "trying again cannot help"


def test_fault_09_duratiq_7_a_result_of_ten_megabytes_fails_the_step_with_a_clear_error(pool: Pool) -> None:
    @lord("hoarder", "work")
    def work(_: LordContext) -> str:
        return "x" * 10_000_000

    pool.start()
    client = pool.client()
    failed = ended(client, client.submit(quest("hoarder")).quest_id, "failed")
    assert "10,000,002 bytes of JSON; the limit is 1,000,000" in (failed.error or "")


def test_a_result_that_only_the_database_refuses_fails_the_step(server_pool: Pool) -> None:
    @lord("nul", "work")
    def work(_: LordContext) -> str:
        return "nul: \0"

    server_pool.start()
    client = server_pool.client()
    handle = client.submit(quest("nul"))
    eventually(lambda: client.get(handle.quest_id).status in {"failed", "completed"}, timeout=LONG)
    if client.get(handle.quest_id).status == "completed":
        assert client.get(handle.quest_id).output_data == "nul: \0"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_lord_that_wants_to_end_the_process_ends_only_its_step(
    sqlite_pool: Pool, error: BaseException, kind: str
) -> None:
    if kind == "sync":

        @lord("quitter", "work")
        def work(_: LordContext) -> None:
            raise error
    else:

        @lord("quitter", "work")
        async def work_async(_: LordContext) -> None:
            raise error

    @lord("async", "work")
    async def other(_: LordContext) -> str:
        return "fine"

    sqlite_pool.start(threads=2)
    client = sqlite_pool.client()
    failed = ended(client, client.submit(quest(*steps("quitter", max_attempts=2))).quest_id, "failed")
    assert type(error).__name__ in (failed.error or "")
    assert completed(client.submit(quest("async"))).output_data == "fine", "the event loop did not survive"


def test_sys_exit_spends_attempts_and_the_pool_lives(pool: Pool) -> None:
    @lord("quitter", "work")
    def quit_(context: LordContext) -> str:
        if context.attempt < 3:
            sys.exit("enough")
        return "stayed"

    member = pool.start(threads=1)
    assert completed(pool.client().submit(quest("quitter"))).output_data == "stayed"
    assert all(thread.is_alive() for thread in member.worker.workers)


def test_fault_09_duratiq_7_an_async_step_that_never_returns_spends_its_attempts_and_the_pool_lives(
    pool: Pool,
) -> None:
    cancelled: list[int] = []

    @lord("sleeper", "work")
    async def work(context: LordContext) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(context.attempt)
            raise

    @lord("quick", "work")
    def quick(_: LordContext) -> str:
        return "done"

    pool.start(threads=1)
    client = pool.client()
    failed = ended(
        client, client.submit(quest(*steps("sleeper", timeout_seconds=0.3, max_attempts=2))).quest_id, "failed"
    )
    assert "timed out after 0.3 s" in (failed.error or "")
    assert len(errors(client, failed.quest_id)) == 2
    eventually(lambda: cancelled == [1, 2], message="a coroutine was not cancelled")
    assert completed(client.submit(quest("quick"))).output_data == "done", "the only thread did not come back"


def test_fault_09_duratiq_7_a_sync_step_that_never_returns_spends_its_attempts_by_the_sweep(pool: Pool) -> None:
    gate = pool.gate()

    @lord("stuck", "work")
    def work(_: LordContext) -> str:
        gate.wait()
        return "too late"

    pool.start(threads=3)
    client = pool.client()
    failed = ended(
        client, client.submit(quest(*steps("stuck", timeout_seconds=0.5, max_attempts=2))).quest_id, "failed"
    )
    assert "timed out after 0.5 s" in (failed.error or "")
    before = client.runs(failed.quest_id)
    gate.set()  # now both late results come
    pool.members[0].stop()
    assert client.runs(failed.quest_id) == before
    assert client.get(failed.quest_id).status == "failed"


def test_a_handlers_own_timeout_error_is_told_as_its_own(sqlite_pool: Pool) -> None:
    @lord("timer", "work")
    async def work(_: LordContext) -> None:
        raise TimeoutError("the oven did not answer")

    sqlite_pool.start()
    client = sqlite_pool.client()
    failed = ended(client, client.submit(quest(*steps("timer", max_attempts=1))).quest_id, "failed")
    assert (failed.error or "").startswith("TimeoutError: the oven did not answer")


def test_duratiq_9_except_exception_in_a_handler_does_not_swallow_a_cancellation(pool: Pool) -> None:
    begun, went_on = threading.Event(), threading.Event()
    gate = pool.gate()

    @lord("greedy", "work")
    def work(context: LordContext) -> str:
        begun.set()
        gate.wait()
        try:
            for _ in range(3):
                context._still_held = lambda: False  # as a look into the store would tell
                context.progress(0.5)
        except Exception:  # noqa: BLE001  what users write
            went_on.set()
        went_on.set()
        return "went on"

    pool.start()
    client = pool.client()
    handle = client.submit(quest("greedy"))
    assert begun.wait(LONG)
    client.cancel(handle.quest_id)
    gate.set()
    pool.members[0].stop()
    assert not went_on.is_set()
    assert client.get(handle.quest_id).status == "cancelled"
    assert [run.status for run in client.runs(handle.quest_id)] == ["cancelled"]


def test_duratiq_9_an_unknown_error_class_of_the_handler_is_no_control_flow(sqlite_pool: Pool) -> None:
    class Retry(Exception):
        pass

    @lord("namesake", "work")
    def work(_: LordContext) -> None:
        raise Retry("not yours")

    sqlite_pool.start()
    client = sqlite_pool.client()
    failed = ended(client, client.submit(quest(*steps("namesake", max_attempts=1))).quest_id, "failed")
    assert "not yours" in (failed.error or "")


def test_pushed_steps_run_right_after_the_step_that_pushed_them(pool: Pool) -> None:
    order: list[str] = []

    @lord("planner", "work")
    def plan(context: LordContext) -> str:
        context.push(*steps("builder", "builder"))
        order.append(context.position)
        return "planned"

    @lord("builder", "work")
    def build(context: LordContext) -> str:
        order.append(context.position)
        return f"built at {context.position}"

    @lord("closer", "work")
    def close(context: LordContext) -> list[str]:
        order.append(context.position)
        return [context.outputs["builder"], context.outputs["builder#2"]]

    pool.start()
    client = pool.client()
    done = completed(client.submit(quest("planner", "closer")))
    assert order == ["0001", "0001.0001", "0001.0002", "0002"]
    assert done.run_data["builder#2"] == "built at 0001.0002"
    assert [run.position for run in client.runs(done.quest_id)] == order


def test_steps_pushed_by_a_failed_attempt_are_forgotten(pool: Pool) -> None:
    @lord("planner", "work")
    def plan(context: LordContext) -> str:
        context.push(LordStep("builder", "work"))
        if context.attempt == 1:
            raise ValueError("changed my mind")
        return "planned"

    @lord("builder", "work")
    def build(context: LordContext) -> str:
        return context.position

    pool.start()
    client = pool.client()
    done = completed(client.submit(quest("planner")))
    assert successes(client, done.quest_id) == [(0, "0001"), (0, "0001.0001")]
