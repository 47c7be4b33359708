"""The calls of a step have the same names in the same order in each attempt, and whoever changes them is told."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from questline_worker.lords import LordContext
from tests.unit.worker.once.conftest import Attempts


def calling(attempts: Attempts, names: str, *, then: Exception | None = None) -> Callable[[LordContext], Any]:
    """Return a handler that makes calls of one letter each."""

    def handler(ctx: LordContext) -> list[str]:
        found = [ctx.once(name, attempts.make(name)) for name in names]
        if then is not None:
            raise then
        return found

    return handler


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("acb", "calls once('c') where an earlier one has called once('b')"),
        ("xab", "calls once('x') where an earlier one has called once('a')"),
        ("axb", "calls once('x') where an earlier one has called once('b')"),
        ("ab", "ends without once('c'), which an earlier one has called: its own calls are a, b"),
    ],
)
def test_other_names_or_another_order_fail_the_step_for_good_and_both_are_named(
    attempts: Attempts, now: str, told: str
) -> None:
    attempts.error(calling(attempts, "abc", then=OSError("broken")))

    error = attempts.refused(calling(attempts, now))
    assert error.startswith("OnceMismatch")
    assert told in error


def test_further_calls_may_follow_what_was_recorded(attempts: Attempts) -> None:
    attempts.error(calling(attempts, "ab", then=OSError("broken")))
    assert attempts.output(calling(attempts, "abcd")) == ["a", "b", "c", "d"]


def test_a_call_that_failed_leaves_its_place_to_itself(attempts: Attempts) -> None:
    def broken() -> None:
        raise OSError("no line")

    def handler(ctx: LordContext) -> str:
        first = "none"
        with suppress(OSError):
            first = ctx.once("first", broken if not attempts.called else attempts.make("first"))
        ctx.once("second", attempts.make("second"))
        if first == "none":
            raise OSError("again")
        return first

    attempts.error(handler)
    assert attempts.output(handler) == "first"
    assert attempts.called == ["second", "first"]


def test_a_call_that_comes_in_another_place_is_told_with_both_places(attempts: Attempts) -> None:
    def broken() -> None:
        raise OSError("no line")

    def before(ctx: LordContext) -> None:
        with suppress(OSError):
            ctx.once("first", broken)
        ctx.once("second", attempts.make("second"))
        raise OSError("again")

    attempts.error(before)
    error = attempts.refused(calling(attempts, ("second",)))  # type: ignore[arg-type]
    assert "calls once('second') as number 1, which an earlier one has called as number 2" in error


def test_a_handler_that_catches_the_mismatch_fails_all_the_same(attempts: Attempts) -> None:
    attempts.error(calling(attempts, "a", then=OSError("broken")))

    def handler(ctx: LordContext) -> None:
        with suppress(Exception):
            ctx.once("b", attempts.make("b"))

    assert "OnceMismatch" in attempts.refused(handler)


def test_what_is_gathered_from_the_handler_s_own_calls_has_an_order(attempts: Attempts) -> None:
    async def fetch(name: str) -> str:
        attempts.called.append(name)
        return name

    def handler(names: str) -> Any:
        async def gathers(ctx: LordContext) -> list[str]:
            found = await asyncio.gather(*(ctx.once(name, fetch, name) for name in names))
            if len(attempts.called) <= 3:
                attempts.called.append("broken")
                raise OSError
            return found

        return gathers

    attempts.error(handler("abc"))
    assert "calls once('b') where an earlier one has called once('a')" in attempts.refused(handler("bac"))


def test_calls_of_other_tasks_may_come_in_any_order(attempts: Attempts) -> None:
    async def fetch(name: str) -> str:
        attempts.called.append(name)
        return name

    def handler(*chains: str, broken: bool) -> Any:
        async def chained(ctx: LordContext) -> str:
            async def chain(names: str) -> str:
                return "".join([await ctx.once(name, fetch, name) for name in names])

            found = await asyncio.gather(*map(chain, chains))
            if broken:
                raise OSError
            return "".join(found)

        return chained

    attempts.error(handler("abc", "xyz", broken=True))
    attempts.error(handler("xyz", "abc", broken=True))
    assert attempts.output(handler("x", "abcd", "zy", broken=False)) == "xabcdzy"
    assert sorted(attempts.called) == [*"abcdxyz"]


def test_one_that_is_missing_in_the_end_is_told_among_calls_of_any_order_too(attempts: Attempts) -> None:
    def handler(names: str, *, broken: bool) -> Any:
        def threaded(ctx: LordContext) -> None:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda name: ctx.once(name, attempts.make(name)), names))
            if broken:
                raise OSError

        return threaded

    attempts.error(handler("abc", broken=True))
    assert "ends without once('b')" in attempts.refused(handler("ca", broken=False))


def test_two_tasks_that_use_one_name_are_refused_since_their_results_might_be_swapped(attempts: Attempts) -> None:
    both = threading.Barrier(2)

    def work(ctx: LordContext, number: int) -> Any:
        both.wait(30)
        return ctx.once("page", attempts.make(str(number)))

    def handler(ctx: LordContext) -> list[Any]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda number: work(ctx, number), range(2)))

    assert "give each call a name of its own" in attempts.refused(handler)


def test_one_task_may_use_its_name_again(attempts: Attempts) -> None:
    async def fetch(number: int) -> int:
        attempts.called.append(str(number))
        return number

    async def handler(ctx: LordContext) -> list[int]:
        async def chain() -> list[int]:
            return [await ctx.once("page", fetch, number) for number in range(3)]

        found = await asyncio.create_task(chain())
        if "broken" not in attempts.called:
            attempts.called.append("broken")
            raise OSError
        return found

    attempts.error(handler)
    assert attempts.output(handler) == [0, 1, 2]
    assert attempts.called == ["0", "1", "2", "broken"]
