import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.errors import ConfigurationError, PayloadError
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_worker.executor import ExecutionHooks
from questline_worker.lords import LordContext, Permanent, Retry, Snooze, known_handlers, lord
from questline_worker.testing import crash, run_quest

DAY = 86_400.0


def quest(*steps: Any, **fields: Any) -> QuestExecutionData:
    return QuestExecutionData(**{"quest_type": "test", "execution_stack": [*steps], **fields})


def lost(ended: QuestExecutionData) -> list[int]:
    return [step.lost for step in ended.steps]


@pytest.fixture
def calls() -> list[tuple[str, int]]:
    """Which handlers were called, and in which attempt."""
    return []


@pytest.fixture
def charge(calls: list[tuple[str, int]]) -> Callable[..., str]:
    @lord("billing", "charge")
    def charge(ctx: LordContext) -> str:
        calls.append(("charge", ctx.attempt))
        return ctx.idempotency_key

    return charge


def test_a_quest_runs_to_its_end() -> None:
    @lord("architect", "design")
    def design(_: LordContext, service: str) -> list[str]:
        return [f"{service}.api"]

    @lord("forge", "write")
    async def write(_: LordContext, architect: list[str]) -> list[str]:
        return [f"{name}.py" for name in architect]

    ended = run_quest(quest(design, write, input_data={"service": "mail"}))

    assert (ended.status, ended.output_data) == ("completed", ["mail.api.py"])


def test_a_failed_quest_is_returned() -> None:
    @lord("architect", "design")
    def design(_: LordContext) -> None:
        raise Permanent("no")

    assert run_quest(quest(design)).status == "failed"


@pytest.mark.parametrize("wait", [Retry(after=3600), Snooze(3600)])
def test_waits_of_a_day_take_no_time_and_are_a_day_for_the_store(wait: Exception) -> None:
    left = [wait] * 24

    @lord("poller", "look")
    def look(_: LordContext) -> str:
        if left:
            raise left.pop()
        return "done"

    ended = run_quest(quest(LordStep(look, max_attempts=25)))

    assert (ended.status, ended.steps[0].attempts) == ("completed", 1 if isinstance(wait, Snooze) else 25)
    assert ended.duration_seconds is not None
    assert DAY <= ended.duration_seconds < DAY + 600


def test_the_usual_back_off_takes_no_time() -> None:
    @lord("model", "ask")
    async def ask(ctx: LordContext) -> int:
        if ctx.attempt < 9:
            raise ConnectionError("nobody answers")
        return ctx.attempt

    assert run_quest(quest(LordStep(ask, max_attempts=9, backoff_seconds=600))).output_data == 9


def test_lords_are_replaced_by_functions_and_by_outputs(charge: Callable[..., str]) -> None:
    def instead(_: LordContext, model: str) -> str:
        return model.upper()

    ended = run_quest(quest("model:ask", charge), lords={"model:ask": "paid", charge: instead})

    assert ended.run_data == {"model": "paid", "billing": "PAID"}


def test_replaced_lords_are_there_again(charge: Callable[..., str], calls: list[tuple[str, int]]) -> None:
    run_quest(quest(charge, "model:ask"), lords={charge: None, "model:ask": None})

    assert known_handlers() == ["billing:charge"]
    assert calls == []
    run_quest(quest(charge))
    assert calls == [("charge", 1)]


@pytest.mark.parametrize("name", ["billing:charge", "0001"])
def test_a_step_that_crashes_runs_again_under_the_same_key(
    charge: Callable[..., str], calls: list[tuple[str, int]], name: str
) -> None:
    ended = run_quest(quest(charge, quest_id="q-1"), crash_at=name)

    assert calls == [("charge", 1)] * 2
    assert (ended.status, ended.output_data, lost(ended)) == ("completed", "q-1:0:0001", [1])


def test_an_async_step_crashes_too() -> None:
    calls = []

    @lord("model", "ask")
    async def ask(ctx: LordContext) -> str:
        calls.append(ctx.attempt)
        await asyncio.sleep(0)
        return "yes"

    ended = run_quest(quest(ask, ask), crash_at="0002")

    assert (ended.status, calls, lost(ended)) == ("completed", [1, 1, 1], [0, 1])


def test_a_crash_does_not_run_again_what_was_committed(
    charge: Callable[..., str], calls: list[tuple[str, int]]
) -> None:
    ended = run_quest(quest(charge, "mail:send"), lords={"mail:send": "sent"}, crash_at="mail:send")

    assert (ended.status, lost(ended)) == ("completed", [0, 1])
    assert calls == [("charge", 1)]


def test_a_failure_that_a_crash_swallows_is_met_again() -> None:
    @lord("model", "ask")
    def ask(ctx: LordContext) -> int:
        if ctx.attempt == 1:
            raise Retry(after=3600)
        return ctx.attempt

    ended = run_quest(quest(ask), crash_at=ask)

    assert (ended.output_data, lost(ended)) == (2, [1])


def test_calls_that_are_recorded_are_not_made_again_after_a_crash() -> None:
    asked = []

    def ask(question: str) -> str:
        asked.append(question)
        return question.upper()

    @lord("model", "ask")
    def answer(ctx: LordContext) -> list[str]:
        return [ctx.once(name, ask, name) for name in ("a", "b")]

    ended = run_quest(quest(answer), crash_at=answer)

    assert (ended.output_data, lost(ended), asked) == (["A", "B"], [1], ["a", "b"])


def test_a_lord_crashes_between_two_calls_and_only_the_second_is_made_anew() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        if asked == ["a", "b"]:
            crash()
        return question.upper()

    def answer(ctx: LordContext) -> list[str]:
        return [ctx.once(name, ask, name) for name in ("a", "b")]

    ended = run_quest(quest("model:ask"), lords={"model:ask": answer})

    assert (ended.output_data, lost(ended), asked) == (["A", "B"], [1], ["a", "b", "b"])


def test_an_async_lord_crashes_in_what_it_awaits() -> None:
    asked: list[str] = []

    async def ask(question: str) -> str:
        asked.append(question)
        await asyncio.sleep(0)
        if len(asked) == 1:
            crash()
        return question.upper()

    async def answer(ctx: LordContext) -> str:
        answered: str = await ctx.once("a", ask, "a")
        return answered

    ended = run_quest(quest("model:ask"), lords={"model:ask": answer})

    assert (ended.output_data, ended.steps[0].attempts, lost(ended), asked) == ("A", 1, [1], ["a", "a"])


def test_a_lord_that_always_crashes_fails_its_quest() -> None:
    ended = run_quest(quest("model:ask"), lords={"model:ask": lambda _: crash()})

    assert ended.status == "failed"


def test_nobody_crashes_outside_of_a_test_s_executor() -> None:
    with pytest.raises(RuntimeError, match="StagedExecutor"):
        crash()


def test_a_crash_that_did_not_happen_fails_the_test(charge: Callable[..., str]) -> None:
    with pytest.raises(AssertionError, match="billing:refund"):
        run_quest(quest(charge), crash_at="billing:refund")


def test_a_loop_that_runs_already_is_no_hindrance(charge: Callable[..., str]) -> None:
    async def test() -> str:
        return run_quest(quest(charge)).status

    assert asyncio.run(test()) == "completed"


def test_hooks_and_a_store_can_be_given(charge: Callable[..., str]) -> None:
    ends = []
    with QuestRepository(":memory:") as store:
        ended = run_quest(quest(charge), hooks=ExecutionHooks(on_step_end=ends.append), store=store)

        assert store.load_quest(ended.quest_id) == ended
    assert [end.lord_name for end in ends] == ["billing"]


def test_a_lord_that_nobody_knows_is_refused() -> None:
    with pytest.raises(PayloadError, match="nobody:knows"):
        run_quest(quest("nobody:knows"))


def test_a_store_that_others_go_by_is_refused(sqlite_url: str) -> None:
    with QuestRepository(sqlite_url) as store, pytest.raises(ConfigurationError, match="not this process's to move"):
        run_quest(quest("a:b"), store=store)
