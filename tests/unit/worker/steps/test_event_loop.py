import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import pytest

from questline_worker.steps import EventLoop
from tests.waiting import eventually

T = TypeVar("T")


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "questline-asyncio"]


def _submit(loop: EventLoop, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    return asyncio.run_coroutine_threadsafe(coroutine, loop.running())


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def test_no_thread_is_started_before_the_first_coroutine() -> None:
    before = len(_threads())
    loop = EventLoop()
    assert len(_threads()) == before
    assert _submit(loop, _double(21)).result(10) == 42
    assert len(_threads()) == before + 1
    loop.stop()
    eventually(lambda: len(_threads()) == before)


def test_all_coroutines_share_one_thread() -> None:
    loop = EventLoop()
    before = len(_threads())
    futures = [_submit(loop, _double(number)) for number in range(50)]
    assert [future.result(10) for future in futures] == [number * 2 for number in range(50)]
    assert len(_threads()) == before + 1
    loop.stop()


def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    loop = EventLoop()
    loop.stop()
    assert _submit(loop, _double(1)).result(10) == 2
    loop.stop()
    loop.stop()


def test_a_stopped_loop_may_be_used_again() -> None:
    loop = EventLoop()
    assert _submit(loop, _double(1)).result(10) == 2
    loop.stop()
    assert _submit(loop, _double(2)).result(10) == 4
    loop.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_a_handlers_own_task_ended_is_followed_by_another() -> None:
    loop = EventLoop()

    async def leave() -> None:
        raise SystemExit(3)

    ended, tasks, thread = loop.running(), [], loop._thread
    ended.call_soon_threadsafe(lambda: tasks.append(ended.create_task(leave())))
    eventually(ended.is_closed)
    # Seen to here, or the one and the other is told at any time, in the midst of another test.
    assert isinstance(tasks[0].exception(), SystemExit)
    assert thread is not None
    thread.join(10)
    assert _submit(loop, _double(2)).result(10) == 4
    loop.stop()


def test_a_coroutine_that_still_runs_when_the_loop_stops_is_cancelled() -> None:
    loop, begun, cancelled = EventLoop(), threading.Event(), threading.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    future = _submit(loop, wait())
    assert begun.wait(10)
    loop.stop()
    assert cancelled.wait(10)
    with pytest.raises(BaseException):  # noqa: B017, PT011  concurrent.futures' or asyncio's CancelledError
        future.result(10)
