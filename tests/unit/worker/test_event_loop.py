import asyncio
import threading

import pytest

from questline_worker.event_loop import EventLoop
from tests.waiting import eventually


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "questline-asyncio"]


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def test_no_thread_is_started_before_the_first_coroutine() -> None:
    before = len(_threads())
    loop = EventLoop()
    assert len(_threads()) == before
    assert loop.submit(_double(21)).result(10) == 42
    assert len(_threads()) == before + 1
    loop.stop()
    eventually(lambda: len(_threads()) == before)


def test_all_coroutines_share_one_thread() -> None:
    loop = EventLoop()
    before = len(_threads())
    futures = [loop.submit(_double(number)) for number in range(50)]
    assert [future.result(10) for future in futures] == [number * 2 for number in range(50)]
    assert len(_threads()) == before + 1
    loop.stop()


def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    loop = EventLoop()
    loop.stop()
    assert loop.submit(_double(1)).result(10) == 2
    loop.stop()
    loop.stop()


def test_a_stopped_loop_may_be_used_again() -> None:
    loop = EventLoop()
    assert loop.submit(_double(1)).result(10) == 2
    loop.stop()
    assert loop.submit(_double(2)).result(10) == 4
    loop.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_a_handlers_own_task_ended_is_followed_by_another() -> None:
    loop = EventLoop()

    async def leave() -> None:
        raise SystemExit(3)

    ended = loop.running()
    ended.call_soon_threadsafe(ended.create_task, leave())
    eventually(ended.is_closed)
    assert loop.submit(_double(2)).result(10) == 4
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

    future = loop.submit(wait())
    assert begun.wait(10)
    loop.stop()
    assert cancelled.wait(10)
    with pytest.raises(BaseException):  # noqa: B017, PT011  concurrent.futures' or asyncio's CancelledError
        future.result(10)
