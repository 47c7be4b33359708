import threading
import time
from types import SimpleNamespace
from typing import Any

import dramatiq
import pytest

from questline_scheduler.doorbells.memory_broker import MemoryBroker
from questline_worker.middleware import Watchdog
from questline_worker.middleware.watchdog import EXIT_BROKEN, LONG_STUCK_SECONDS, STUCK_SECONDS
from tests.doorbells import declare
from tests.waiting import eventually


def _worker(*alive: bool) -> Any:
    threads = [
        SimpleNamespace(name=f"thread-{number}", is_alive=lambda is_=is_: is_) for number, is_ in enumerate(alive)
    ]
    return SimpleNamespace(consumers={"default": threads[0]}, workers=threads[1:], worker_threads=len(threads) - 1)


def _steps(*lost_for: float) -> Any:
    """Running steps that were lost so many seconds ago; a negative number is a step that is not lost."""
    now = time.monotonic()
    steps = [SimpleNamespace(lost=ago >= 0, lost_at=now - ago, settling=False) for ago in lost_for]
    return SimpleNamespace(all=lambda: steps)


def test_nothing_is_ended_while_all_threads_live() -> None:
    ended: list[int] = []
    watchdog = Watchdog(_steps(), ended.append)
    assert watchdog.run_once() == []
    watchdog._worker = _worker(*[True] * 3)
    assert watchdog.run_once() == []
    assert ended == []


@pytest.mark.parametrize("alive", [(False, True, True), (True, True, False)])
def test_a_dead_consumer_or_worker_thread_ends_the_process(
    alive: tuple[bool, ...], caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []
    watchdog = Watchdog(_steps(), ended.append)
    watchdog._worker = _worker(*alive)
    (dead,) = watchdog.run_once()
    assert "thread-" in dead
    assert ended == [EXIT_BROKEN]
    assert "threads_died" in caplog.text


def test_dramatiq_445_a_real_worker_whose_thread_dies_is_ended_and_one_that_stops_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Watchdog, "interval", 0.02)
    ended: list[int] = []
    broker = MemoryBroker()
    broker.add_middleware(Watchdog(_steps(), ended.append))
    declare(broker, lambda _: None)
    worker = dramatiq.Worker(broker, worker_threads=2, worker_timeout=50)
    worker.start()
    eventually(lambda: any(thread.name == "questline-watchdog" for thread in threading.enumerate()))
    assert ended == []
    worker.workers[0].stop()  # as if it had died: it ends though nobody asked the worker to stop
    eventually(lambda: bool(ended))
    ended.clear()
    worker.stop()
    eventually(lambda: not any(thread.name == "questline-watchdog" for thread in threading.enumerate()))
    count = len(ended)
    assert not [thread for thread in worker.workers if thread.is_alive()]
    assert len(ended) == count


@pytest.mark.parametrize(
    ("lost_for", "ends", "stops"),
    [
        ((-1.0, -1.0), 0, 0),
        ((0.0, STUCK_SECONDS + 1), 0, 0),
        ((STUCK_SECONDS + 1, STUCK_SECONDS + 1), 1, 0),
        ((-1.0, STUCK_SECONDS + 1), 0, 0),
        ((-1.0, LONG_STUCK_SECONDS + 1), 0, 1),
    ],
)
def test_a_process_whose_threads_are_kept_by_handlers_that_never_return_is_replaced(
    lost_for: tuple[float, ...], ends: int, stops: int
) -> None:
    ended: list[int] = []
    stopped: list[bool] = []
    watchdog = Watchdog(_steps(*lost_for), ended.append, lambda: stopped.append(True))
    watchdog._worker = _worker(*[True] * 3)

    watchdog.run_once()

    assert (len(ended), len(stopped)) == (ends, stops)


@pytest.mark.parametrize("stuck", [True, False])
def test_a_process_whose_event_loop_is_kept_by_lost_steps_is_replaced_in_good_order(
    stuck: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []
    stopped: list[bool] = []
    asked: list[float] = []
    async_steps: Any = SimpleNamespace(limit=7, stuck=lambda seconds: asked.append(seconds) or stuck)
    watchdog = Watchdog(_steps(), ended.append, lambda: stopped.append(True), async_steps)
    watchdog._worker = _worker(*[True] * 3)

    watchdog.run_once()

    assert (ended, stopped, asked) == ([], [True] * stuck, [LONG_STUCK_SECONDS])
    assert ("event_loop_stuck" in caplog.text) == stuck
