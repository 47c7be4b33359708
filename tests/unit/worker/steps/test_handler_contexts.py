"""What a handler sets in its context is its own."""

import asyncio
import contextvars
import decimal
from typing import Any

import structlog

from questline_persistence.claims import Succeeded
from questline_worker.lords import LordContext, lord
from tests.unit.worker.steps.outcomes import Run

tenant = contextvars.ContextVar("tenant", default="nobody")


def _seen() -> list[Any]:
    return [tenant.get(), structlog.contextvars.get_contextvars().get("customer"), decimal.getcontext().prec]


def _set_all() -> None:
    tenant.set("alice")
    structlog.contextvars.bind_contextvars(customer="alice")
    decimal.getcontext().prec = 3


def test_what_a_sync_handler_sets_in_its_context_is_not_there_in_the_next_one(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> list[Any]:
        before = _seen()
        _set_all()
        return before

    assert [run(), run()] == [Succeeded('["nobody",null,28]')] * 2
    assert _seen() == ["nobody", None, 28], "it is there in the thread"


def test_what_an_async_handler_sets_in_its_context_is_not_there_in_the_next_one(run: Run) -> None:
    @lord("a", "work")
    async def work(_: LordContext) -> list[Any]:
        before = _seen()
        await asyncio.sleep(0)
        _set_all()
        return before

    assert [run(), run()] == [Succeeded('["nobody",null,28]')] * 2


def test_what_a_decorator_sets_before_it_calls_an_async_handler_is_there_while_that_is_awaited(run: Run) -> None:
    async def look() -> list[Any]:
        await asyncio.sleep(0)
        return _seen()

    @lord("a", "work")
    def work(_: LordContext) -> Any:
        _set_all()
        return look()

    assert run() == Succeeded('["alice","alice",3]')


def test_what_the_thread_has_in_its_context_is_there_in_the_handler(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> list[Any]:
        return _seen()

    with structlog.contextvars.bound_contextvars(customer="bob"):
        assert run() == Succeeded('["nobody","bob",28]')
