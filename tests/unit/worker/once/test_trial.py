"""How a call is made again after an error, and what becomes of one that takes too long."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from questline_worker.lords import LordContext, Permanent, Retry, StepCancelled
from questline_worker.lords.once import trial
from tests.unit.worker.once.conftest import Attempts


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "FIRST_PAUSE", 0.001)


def failing(errors: Iterator[BaseException], attempts: Attempts) -> Any:
    """Return a function that raises one error after the other, and then returns."""

    def function() -> int:
        attempts.called.append("call")
        for error in errors:
            raise error
        return len(attempts.called)

    return function


@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_is_made_again_as_often_as_it_says(attempts: Attempts, is_async: bool) -> None:
    function = failing(iter([OSError("1"), OSError("2")]), attempts)

    async def awaited() -> int:
        return int(function())

    async def handler(ctx: LordContext) -> int:
        return int(await ctx.once("a", awaited, retries=2))

    assert attempts.output(handler if is_async else lambda ctx: ctx.once("a", function, retries=2)) == 3


def test_the_last_error_is_the_step_s(attempts: Attempts) -> None:
    errors = iter([OSError("1"), OSError("2"), OSError("3")])
    assert "OSError: 2" in attempts.error(lambda ctx: ctx.once("a", failing(errors, attempts), retries=1))
    assert attempts.called == ["call", "call"]


@pytest.mark.parametrize("error", [Permanent("no"), Retry("later"), StepCancelled("gone")])
def test_what_says_how_the_step_goes_on_ends_the_tries(attempts: Attempts, error: BaseException) -> None:
    attempts.run(lambda ctx: ctx.once("a", failing(iter([error]), attempts), retries=5))
    assert attempts.called == ["call"]


def test_an_async_call_that_takes_too_long_is_cancelled(attempts: Attempts) -> None:
    async def hang() -> None:
        attempts.called.append("call")
        try:
            await asyncio.Event().wait()
        finally:
            attempts.called.append("cancelled")

    async def handler(ctx: LordContext) -> None:
        await ctx.once("a", hang, timeout=0.01)

    assert "once('a') took longer than 0.01 s" in attempts.error(handler)
    assert attempts.called == ["call", "cancelled"]


def test_a_plain_call_that_takes_too_long_is_left_behind(attempts: Attempts) -> None:
    over = threading.Event()
    assert "once('a') took longer than 0.01 s" in attempts.error(lambda ctx: ctx.once("a", over.wait, 30, timeout=0.01))
    over.set()


def test_a_plain_call_in_time_returns_raises_and_sees_the_context_as_without_a_limit(attempts: Attempts) -> None:
    def broken() -> None:
        raise TimeoutError("of its own")

    assert attempts.output(lambda ctx: ctx.once("a", attempts.make("done"), timeout=30)) == "done"
    again = Attempts(attempts.bench, attempts._loop)
    assert "TimeoutError: of its own" in again.error(lambda ctx: ctx.once("a", broken, timeout=30))


@pytest.mark.parametrize("options", [{"retries": -1}, {"retries": 1.5}, {"timeout": 0}, {"timeout": "1"}])
def test_an_option_that_makes_no_sense_is_refused(attempts: Attempts, options: dict[str, Any]) -> None:
    assert f"{next(iter(options))} is" in attempts.refused(lambda ctx: ctx.once("a", attempts.make("a"), **options))
    assert attempts.called == []
