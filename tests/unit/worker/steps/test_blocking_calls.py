"""The threads of what async steps let block."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from contextvars import Context
from typing import Any

import pytest

from questline_persistence.store import Threads
from questline_worker.steps import EventLoop, blocking_calls
from questline_worker.steps.blocking_calls import CALLS_PER_STEP, MAX_LEFT, BlockingCalls


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event for which calls wait until the test has ended."""
    gate = threading.Event()
    yield gate
    gate.set()


def _step(loop: EventLoop, context: Context, work: Coroutine[Any, Any, Any]) -> Any:
    """Await `work` as a step with this context does, and return what it returns."""
    return context.run(asyncio.run_coroutine_threadsafe, work, loop.running()).result(20)


def _threads_of(calls: BlockingCalls, context: Context) -> Threads:
    return context.run(calls.open)


async def _hang(gate: threading.Event, count: int) -> None:
    """Wait for `count` calls that do not return, for a moment only."""
    async with asyncio.timeout(0.2):
        await asyncio.gather(*(asyncio.to_thread(gate.wait, 60) for _ in range(count)))


def test_calls_that_hang_keep_no_other_step_from_making_its_own(loop: EventLoop, gate: threading.Event) -> None:
    for _ in range(3):
        hanging = Context()
        _threads_of(loop.calls, hanging)
        with pytest.raises(TimeoutError):
            _step(loop, hanging, _hang(gate, CALLS_PER_STEP))
    later = Context()
    threads = _threads_of(loop.calls, later)
    assert _step(loop, later, asyncio.to_thread(lambda: "done")) == "done"
    loop.calls.end(threads)


def test_a_step_has_no_more_calls_under_way_than_its_share(loop: EventLoop, gate: threading.Event) -> None:
    context, before = Context(), {*threading.enumerate()}
    threads = _threads_of(loop.calls, context)
    with pytest.raises(TimeoutError):
        _step(loop, context, _hang(gate, CALLS_PER_STEP + 5))
    own = [one for one in {*threading.enumerate()} - before if one.name == "questline-blocking"]
    assert len(own) == CALLS_PER_STEP
    loop.calls.end(threads)


def test_what_a_step_leaves_behind_may_still_call(loop: EventLoop) -> None:
    context = Context()
    loop.calls.end(_threads_of(loop.calls, context))
    assert _step(loop, context, asyncio.to_thread(lambda: "late")) == "late"


def test_a_call_of_no_step_has_threads_too(loop: EventLoop) -> None:
    assert _step(loop, Context(), asyncio.to_thread(lambda: "nobody's")) == "nobody's"
    loop.stop()
    assert _step(loop, Context(), asyncio.to_thread(lambda: "the next loop's")) == "the next loop's"


def test_too_many_calls_that_outlive_their_steps_are_stuck(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, here = BlockingCalls(), threading.Semaphore(0)
    monkeypatch.setattr(blocking_calls, "CALLS_PER_STEP", MAX_LEFT)

    def leave(count: int) -> None:
        context = Context()
        threads = _threads_of(calls, context)
        for _ in range(count):
            context.run(calls.submit, lambda: (here.release(), gate.wait(60)))
        assert all(here.acquire(timeout=10) for _ in range(count))
        calls.end(threads)

    def stuck_after(seconds: float) -> bool:
        now = time.monotonic()
        with monkeypatch.context() as later:
            later.setattr(blocking_calls.time, "monotonic", lambda: now + seconds)
            return calls.stuck(60)

    leave(MAX_LEFT - 1)
    assert not stuck_after(61), "one more would be too many"
    leave(1)
    assert not stuck_after(59), "they may yet return"
    assert stuck_after(61)
    gate.set()
    assert all(threads.join(20) for _, threads in calls._left)
    assert not stuck_after(61), "they have returned"
