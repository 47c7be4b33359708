"""What a handler sees of calls that run once in its step."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel

from questline_persistence.controls import CallsOfFork
from questline_persistence.journal import recorded_calls
from questline_worker.lords import LordContext, StepCancelled
from tests.model.statements import sent
from tests.unit.worker.once.conftest import Attempts


class Plan(BaseModel):
    goal: str
    when: datetime


@dataclass
class Page:
    url: str


def test_a_later_attempt_gets_what_was_recorded_and_calls_only_what_was_not(attempts: Attempts) -> None:
    def broken(ctx: LordContext) -> None:
        ctx.once("plan", attempts.make("plan"))
        ctx.once("page", attempts.make("page"))
        raise OSError("the model is away")

    assert "the model is away" in attempts.error(broken)
    attempts.error(broken)

    def whole(ctx: LordContext) -> list[str]:
        return [ctx.once(name, attempts.make(name)) for name in ("plan", "page", "answer")]

    assert attempts.output(whole) == ["plan", "page", "answer"]
    assert attempts.called == ["plan", "page", "answer"]


def test_arguments_are_passed_on_by_place_and_by_name(attempts: Attempts) -> None:
    def tell(*args: Any, **named: Any) -> list[Any]:
        return [*args, named]

    assert attempts.output(lambda ctx: ctx.once("a", tell, 1, 2, name="x", function="y")) == [
        1,
        2,
        {"name": "x", "function": "y"},
    ]


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ((1, 2), [1, 2]),
        (None, None),
        (Plan(goal="x", when=datetime(2026, 1, 1, tzinfo=UTC)), {"goal": "x", "when": "2026-01-01T00:00:00Z"}),
        (Page("/a"), {"url": "/a"}),
        (2**70, 2**70),
    ],
)
def test_a_result_is_the_same_when_it_is_made_and_when_it_is_served(
    attempts: Attempts, value: Any, result: Any
) -> None:
    seen: list[Any] = []

    def handler(ctx: LordContext) -> Any:
        seen.append(ctx.once("a", lambda: value))
        if len(seen) == 1:
            raise OSError
        return seen

    attempts.error(handler)
    assert attempts.output(handler) == [result, result]


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object(), "\ud800", "x" * 1_000_001])
def test_a_result_that_is_no_json_or_too_large_fails_the_step_and_names_the_call(
    attempts: Attempts, value: Any
) -> None:
    assert "the result of once('a')" in attempts.refused(lambda ctx: ctx.once("a", lambda: value))
    assert recorded_calls(attempts.bench.database, attempts.claim).calls == []


def test_an_error_is_not_recorded_and_the_call_is_made_again(attempts: Attempts) -> None:
    def broken() -> None:
        attempts.called.append("broken")
        raise OSError("no line")

    def handler(ctx: LordContext) -> Any:
        return ctx.once("call", broken if len(attempts.called) < 2 else attempts.make("mended"))

    assert ("no line" in attempts.error(handler), "no line" in attempts.error(handler)) == (True, True)
    assert attempts.output(handler) == "mended"


def test_a_name_that_is_used_again_is_another_call(attempts: Attempts) -> None:
    def handler(ctx: LordContext) -> list[str]:
        return [ctx.once("page", attempts.make(text)) for text in ("a", "b", "c")]

    assert attempts.output(handler) == ["a", "b", "c"]
    names = [call.name for call in recorded_calls(attempts.bench.database, attempts.claim).calls]
    assert names == ["page", "page#2", "page#3"]


def test_a_step_that_makes_no_call_reads_nothing_and_one_that_does_reads_once(attempts: Attempts) -> None:
    def count(handler: Callable[[LordContext], Any]) -> int:
        with sent(attempts.bench.database) as statements:
            attempts.error(handler)
        return sum("step_once" in text for text, _ in statements if text.startswith("SELECT"))

    def calls(ctx: LordContext) -> None:
        for name in "abc":
            ctx.once(name, attempts.make(name))
        raise OSError

    def makes_none(_: LordContext) -> None:
        raise OSError

    assert (count(makes_none), count(calls), count(calls)) == (0, 1, 1)


def test_an_async_function_is_awaited_and_a_plain_one_is_not(attempts: Attempts) -> None:
    async def fetch(url: str, *, page: int) -> str:
        await asyncio.sleep(0)
        attempts.called.append(url)
        return f"{url} {page}"

    async def handler(ctx: LordContext) -> list[Any]:
        found = [await ctx.once("a", fetch, "/a", page=1), await ctx.once("b", partial(fetch, "/b"), page=2)]
        found.append(ctx.once("plain", attempts.make("plain")))
        if len(attempts.called) == 3:
            raise OSError
        return found

    attempts.error(handler)
    attempts.called.append("again")
    assert attempts.output(handler) == ["/a 1", "/b 2", "plain"]
    assert attempts.called == ["/a", "/b", "plain", "again"]


def test_calls_that_overlap_are_recorded_each_by_itself(attempts: Attempts) -> None:
    async def fetch(number: int) -> int:
        if number == 7 and "again" not in attempts.called:
            raise OSError("one of them breaks")
        attempts.called.append(str(number))
        return number

    async def handler(ctx: LordContext) -> list[int]:
        calls = [ctx.once(f"page {number}", fetch, number) for number in range(10)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        if errors := [one for one in found if isinstance(one, BaseException)]:
            raise errors[0]
        return [one for one in found if isinstance(one, int)]

    assert "one of them breaks" in attempts.error(handler)
    attempts.called.append("again")
    assert attempts.output(handler) == [*range(10)]
    assert attempts.called[9:] == ["again", "7"]


def test_a_function_that_only_returns_a_coroutine_is_refused(attempts: Attempts) -> None:
    async def fetch() -> str:
        return "x"

    async def handler(ctx: LordContext) -> Any:
        return await ctx.once("a", lambda: fetch())  # noqa: PLW0108  (as people write it)

    error = attempts.refused(handler)
    assert "a plain function that returns a coroutine; await ctx.once('a', fetch, url)" in error


@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", "a#2", "\ud800", 7])
def test_a_name_that_nothing_can_have_is_refused(attempts: Attempts, name: Any) -> None:
    assert "name" in attempts.refused(lambda ctx: ctx.once(name, attempts.make("a")))
    assert attempts.called == []


def test_a_claim_that_was_lost_records_nothing_and_stops_the_handler(attempts: Attempts) -> None:
    seen: list[BaseException] = []

    def handler(ctx: LordContext) -> None:
        try:
            ctx.once("a", lambda: attempts.bench.controls.cancel(attempts.quest_id) and None)
        except BaseException as error:
            seen.append(error)
            raise

    step = attempts.step
    attempts.again = lambda: None  # type: ignore[method-assign]  # there is no next attempt
    attempts.run(handler)
    assert isinstance(seen[0], StepCancelled)
    assert step.lost
    assert recorded_calls(attempts.bench.database, attempts.claim).calls == []


def test_no_call_is_made_once_the_claim_is_known_to_be_gone(attempts: Attempts) -> None:
    def handler(ctx: LordContext) -> None:
        attempts.step.lose()
        ctx.once("a", attempts.make("a"))

    attempts.again = lambda: None  # type: ignore[method-assign]  # as above
    attempts.run(handler)
    assert attempts.called == []


def test_a_step_makes_a_thousand_calls_at_most_and_records_sixteen_megabytes(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_worker.lords.once.call_order.MAX_CALLS", 3)
    monkeypatch.setattr("questline_worker.lords.once.call_order.MAX_TOTAL", 100)

    def many(ctx: LordContext) -> None:
        for number in range(4):
            ctx.once(str(number), attempts.make(str(number)))

    assert "at most" in attempts.refused(many)
    assert attempts.called == ["0", "1", "2"]


def test_what_a_step_records_is_bounded_over_all_its_attempts(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_worker.lords.once.call_order.MAX_TOTAL", 100)

    def handler(ctx: LordContext) -> None:
        ctx.once("first", lambda: "x" * 60)
        if not attempts.called:
            attempts.called.append("once")
            raise OSError
        ctx.once("second", lambda: "x" * 60)

    attempts.error(handler)
    assert "more than 100 bytes" in attempts.refused(handler)


def test_a_fork_that_serves_recorded_calls_alone_fails_for_good_instead_of_going_out(attempts: Attempts) -> None:
    attempts.output(lambda ctx: ctx.once("a", attempts.make("a")))
    attempts.bench.finish(attempts.claim)
    forked = attempts.bench.fork(attempts.quest_id, calls=CallsOfFork.RECORDED)
    attempts.quest_id, attempts.claim = forked, attempts.bench.claim(forked)
    attempts.step = attempts._running()

    def handler(ctx: LordContext) -> str:
        return str(ctx.once("a", attempts.make("again"))) + str(ctx.once("b", attempts.make("b")))

    assert "once('b'): this quest serves recorded calls alone" in attempts.refused(handler)
    assert attempts.called == ["a"]
