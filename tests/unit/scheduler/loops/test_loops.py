import logging
import random
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from questline_scheduler.loops import Loop, Loops
from questline_scheduler.loops import loops as module
from tests.waiting import eventually


class Counting:
    """A service that counts its runs and how many of them overlap."""

    name = "counting"

    def __init__(self, work: Callable[[int], Any] = lambda _: None, *, interval: float = 0.001) -> None:
        self.interval = interval
        self.runs = 0
        self.overlap = 0
        self._inside = threading.Semaphore(1)
        self._work = work

    def run_once(self, *, now: float | None = None) -> Any:
        assert now is None
        if not self._inside.acquire(blocking=False):
            self.overlap += 1
            return None
        try:
            self.runs += 1
            return self._work(self.runs)
        finally:
            self._inside.release()


def _threads(name: str = "questline-counting") -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def test_a_loop_runs_until_it_is_stopped() -> None:
    service = Counting()
    loop = Loop(service)
    assert not loop.alive
    loop.start()
    eventually(lambda: service.runs >= 3)
    assert loop.alive
    loop.stop()
    assert not loop.alive
    runs = service.runs
    assert _threads() == 0
    assert service.runs == runs


def test_starting_and_stopping_twice_is_harmless() -> None:
    service = Counting()
    loop = Loop(service)
    loop.stop()
    loop.start()
    loop.start()
    assert _threads() == 1
    loop.stop()
    loop.stop()
    assert _threads() == 0


def test_a_stopped_loop_can_be_started_again() -> None:
    service = Counting()
    loop = Loop(service)
    for _ in range(3):
        runs = service.runs
        loop.start()
        eventually(lambda runs=runs: service.runs > runs)  # type: ignore[misc]
        loop.stop()


def test_an_error_is_logged_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def work(run: int) -> None:
        if run <= 2:
            raise RuntimeError(f"run {run} failed")

    service = Counting(work)
    loop = Loop(service)
    with caplog.at_level(logging.WARNING):
        loop.start()
        eventually(lambda: service.runs >= 5)
        loop.stop()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "run 1 failed" in caplog.text
    assert caplog.text.count("Traceback") == 1, "only the first failure of a row tells where it happened"


def _pauses(monkeypatch: pytest.MonkeyPatch, service: Counting, count: int) -> list[float]:
    """Return how long a loop waits after each of its first runs, without waiting."""
    pauses: list[float] = []
    stopping: Any = SimpleNamespace(wait=pauses.append, is_set=lambda: len(pauses) >= count)
    monkeypatch.setattr(module.log, "warning", lambda *_, **__: None)
    Loop(service)._run(stopping)
    return pauses


def test_a_service_that_keeps_failing_is_asked_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_: int) -> None:
        raise RuntimeError("down")

    assert _pauses(monkeypatch, Counting(work, interval=1.0), 5) == [2.0, 4.0, 5.0, 5.0, 5.0]


def test_a_loop_outlives_an_outage_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_: int) -> None:
        raise RuntimeError("down")

    assert _pauses(monkeypatch, Counting(work, interval=1.0), 3_000)[-1] == module.LONGEST_PAUSE


def test_the_pause_is_the_usual_one_again_after_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(run: int) -> None:
        if run in {1, 2, 4}:
            raise RuntimeError("down")

    assert _pauses(monkeypatch, Counting(work, interval=1.0), 5) == [2.0, 4.0, 1.0, 2.0, 1.0]


def test_a_service_that_has_more_to_do_is_called_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    results = iter([SimpleNamespace(more=True), SimpleNamespace(more=True), SimpleNamespace(more=False), 7])
    assert _pauses(monkeypatch, Counting(lambda _: next(results), interval=1.0), 4) == [0.0, 0.0, 1.0, 1.0]


def test_stop_waits_for_the_run_in_progress() -> None:
    begun, gate, ended = threading.Event(), threading.Event(), threading.Event()

    def work(_: int) -> None:
        begun.set()
        gate.wait()
        ended.set()

    loop = Loop(Counting(work))
    loop.start()
    assert begun.wait(10)
    threading.Timer(0.1, gate.set).start()
    loop.stop()
    assert ended.is_set()


def test_a_run_that_outlasts_stop_is_not_set_going_again_by_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.05)
    begun, gate = threading.Event(), threading.Event()

    def work(run: int) -> None:
        if run == 1:
            begun.set()
            gate.wait()

    service = Counting(work)
    loop = Loop(service)
    loop.start()
    assert begun.wait(10)
    loop.stop()
    loop.start()
    gate.set()
    eventually(lambda: _threads() == 1)
    loop.stop()
    assert _threads() == 0


def test_a_service_may_stop_its_own_loop() -> None:
    loop: Loop
    service = Counting(lambda _: loop.stop())
    loop = Loop(service)
    loop.start()
    eventually(lambda: not loop.alive)
    assert service.runs == 1


def test_stress_many_threads_that_start_and_stop_leave_no_second_runner_behind() -> None:
    service = Counting(lambda _: time.sleep(0.0005))
    loop = Loop(service)

    def toggle(seed: int) -> None:
        choose = random.Random(seed)  # noqa: S311  no secret
        for _ in range(100):
            choose.choice((loop.start, loop.stop))()

    threads = [threading.Thread(target=toggle, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loop.stop()
    eventually(lambda: _threads() == 0)
    loop.start()
    runs = service.runs
    eventually(lambda: service.runs > runs + 2)
    loop.stop()
    assert _threads() == 0


def test_several_loops_start_and_stop_together() -> None:
    services = [Counting() for _ in range(3)]
    loops = Loops(services)
    loops.start()
    eventually(lambda: all(service.runs for service in services))
    loops.stop()
    assert _threads() == 0
