import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest

from questline_persistence.claims import Failed, Succeeded
from questline_persistence.errors import PayloadError
from questline_worker.executor import QuestExecutor
from questline_worker.lords import ExecutionHooks, StepEvent, lord
from tests.contract.quests import quest
from tests.unit.worker.conftest import MakeClaim


def test_no_hook_is_needed(make_claim: MakeClaim) -> None:
    hooks = ExecutionHooks()
    hooks.step_started(make_claim())
    hooks.step_ended(make_claim(), Succeeded("1"))
    hooks.quest_ended(quest("a"))


def test_hooks_are_told_what_happens(make_claim: MakeClaim) -> None:
    told: list[Any] = []
    hooks = ExecutionHooks(told.append, told.append, told.append)
    claim, data = make_claim(attempt=2), quest("a")
    hooks.step_started(claim)
    hooks.step_ended(claim, Failed("dry", 1.0))
    hooks.step_ended(claim, Succeeded("1"))
    hooks.quest_ended(data)
    event = StepEvent("quest", "0001", "a", "work", 2)
    assert told == [event, StepEvent("quest", "0001", "a", "work", 2, "dry"), event, data]


@pytest.mark.parametrize(
    "error", [RuntimeError, SystemExit, asyncio.CancelledError, pytest.fail.Exception], ids=lambda error: error.__name__
)
def test_what_a_hook_raises_is_logged_and_changes_nothing(
    error: type[BaseException], make_claim: MakeClaim, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise error("the hook is broken")

    hooks = ExecutionHooks(broken, broken, broken)
    with caplog.at_level(logging.ERROR):
        hooks.step_started(make_claim())
        hooks.step_ended(make_claim(), Succeeded("1"))
        hooks.quest_ended(quest("a"))
    assert [record.getMessage().splitlines()[0][:11] for record in caplog.records] == ["hook_failed"] * 3
    assert "the hook is broken" in caplog.text


def test_whoever_interrupts_the_program_during_a_hook_interrupts_it(make_claim: MakeClaim) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ExecutionHooks(interrupted).step_started(make_claim())


async def _async_hook(_: object) -> None: ...


async def _async_generator(_: object) -> AsyncIterator[None]:
    yield


def _generator(_: object) -> Iterator[None]:
    yield


class _AsyncObject:
    async def __call__(self, _: object) -> None: ...


@pytest.mark.parametrize(
    "hook",
    [_async_hook, partial(_async_hook), _async_generator, _generator, _AsyncObject()],
    ids=lambda hook: getattr(hook, "__name__", type(hook).__name__),
)
@pytest.mark.parametrize("name", ["on_step_start", "on_step_end", "on_quest_end"])
def test_a_hook_that_would_never_run_is_refused(name: str, hook: Any) -> None:
    with pytest.raises(PayloadError, match=f"{name} is an async function or a generator"):
        ExecutionHooks(**{name: hook})


def test_a_hook_that_turns_out_to_be_async_is_logged(make_claim: MakeClaim, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        ExecutionHooks(lambda event: _async_hook(event)).step_started(make_claim())  # noqa: PLW0108  (what hides it)
    assert "the hook returned a coroutine, which nobody awaits" in caplog.text


def test_a_quest_runs_though_its_hooks_exit() -> None:
    @lord("a", "work")
    def work(_: object) -> str:
        return "done"

    def leave(_: object) -> None:
        sys.exit("a hook's mistake")

    with QuestExecutor(ExecutionHooks(leave, leave, leave)) as executor:
        assert asyncio.run(asyncio.wait_for(executor.execute_quest(quest("a")), 30)).output_data == "done"
        executor.repository.close()


def test_an_executor_calls_its_hooks_in_order() -> None:
    @lord("a", "work")
    def work(_: object) -> str:
        return "done"

    told: list[str] = []
    hooks = ExecutionHooks(
        lambda event: told.append(f"start {event.position}"),
        lambda event: told.append(f"end {event.position} {event.error}"),
        lambda data: told.append(f"quest {data.status}"),
    )
    with QuestExecutor(hooks) as executor:
        asyncio.run(executor.execute_quest(quest("a", "a")))
        executor.repository.close()
    assert told == ["start 0001", "end 0001 None", "start 0002", "end 0002 None", "quest completed"]


def test_an_executor_runs_lords_that_were_registered_after_its_first_quest() -> None:
    @lord("a", "work")
    def first(_: object) -> str:
        return "one"

    with QuestExecutor() as executor:
        assert asyncio.run(executor.execute_quest(quest("a"))).output_data == "one"

        @lord("b", "work")
        def second(_: object) -> str:
            return "two"

        assert asyncio.run(asyncio.wait_for(executor.execute_quest(quest("b")), 30)).output_data == "two"
        executor.repository.close()
