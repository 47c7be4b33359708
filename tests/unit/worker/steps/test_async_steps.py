"""Async steps on one event loop: how many, who is told, and that each is counted once."""

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from questline_persistence.claims import Dropped, GivenBack, Outcome, Succeeded
from questline_worker.steps import AsyncSteps, EventLoop, Pending, RunningStep, RunningSteps, async_steps
from tests.contract.quests import Workbench
from tests.unit.worker.conftest import MakeClaim
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Let asyncio tell of the tasks that are broken off here, which it does once they are garbage, in no other test."""
    yield
    gc.collect()


class Stage:
    """Async steps, with what became of each, in the order in which they ended."""

    def __init__(self, bench: Workbench, make_claim: MakeClaim, limit: int, shutdown_seconds: float) -> None:
        self.loop = EventLoop()
        self.running = RunningSteps(bench.register)
        self.steps = AsyncSteps(self.loop, self.running, limit=limit, shutdown_seconds=shutdown_seconds)
        self.ended: list[Outcome] = []
        self._make_claim = make_claim

    def step(self, **changed: Any) -> RunningStep:
        number = len(self.running.all())
        return self.running.begin(self._make_claim(**{"claim_id": f"claim-{number}-{time.monotonic_ns()}", **changed}))

    def start(self, step: RunningStep, coroutine: Coroutine[Any, Any, Any]) -> Outcome | None:
        def conclude(result: Callable[[], Any]) -> Outcome:
            try:
                return Succeeded(str(result()))
            except BaseException as error:  # noqa: BLE001  whatever the coroutine raised is looked at
                return Dropped() if step.lost else Succeeded(repr(error))

        return self.steps.start(step, Pending(coroutine, step.claim.timeout_seconds, conclude), self.ended.append)

    @property
    def taken(self) -> int:
        return len(self.steps._under_way)


MakeStage = Callable[..., Stage]


@pytest.fixture
def make_stage(bench: Workbench, make_claim: MakeClaim) -> Iterator[MakeStage]:
    stages: list[Stage] = []

    def make(limit: int = 2, shutdown_seconds: float = 0.0) -> Stage:
        stages.append(Stage(bench, make_claim, limit, shutdown_seconds))
        return stages[-1]

    yield make
    for stage in stages:
        stage.loop.stop()


async def _at(gate: asyncio.Event) -> str:
    await gate.wait()
    return "through"


def _open(stage: Stage, gate: asyncio.Event) -> None:
    stage.loop.running().call_soon_threadsafe(gate.set)


def test_a_step_goes_on_without_its_thread_and_what_became_of_it_is_told(make_stage: MakeStage) -> None:
    stage, gate = make_stage(), asyncio.Event()
    assert stage.start(stage.step(), _at(gate)) is None
    assert (stage.ended, stage.taken) == ([], 1)
    _open(stage, gate)
    eventually(lambda: stage.ended == [Succeeded("through")])
    eventually(lambda: stage.taken == 0)


def test_a_thread_waits_until_an_async_step_ends_and_then_begins_its_own(make_stage: MakeStage) -> None:
    stage, gates = make_stage(limit=1), [asyncio.Event(), asyncio.Event()]
    assert stage.start(stage.step(), _at(gates[0])) is None
    answers: list[Outcome | None] = []
    second = threading.Thread(target=lambda: answers.append(stage.start(stage.step(), _at(gates[1]))))
    second.start()
    eventually(lambda: bool(stage.steps._changed._waiters))  # type: ignore[attr-defined]  # it stands and waits
    assert (answers, stage.taken) == ([], 1)
    _open(stage, gates[0])
    second.join(10)
    assert answers == [None]
    _open(stage, gates[1])
    eventually(lambda: len(stage.ended) == 2 and stage.taken == 0)


def test_a_step_that_waits_too_long_for_the_others_is_given_back_without_having_begun(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_steps, "PATIENCE_SECONDS", 0.05)
    stage, gate, begun = make_stage(limit=1), asyncio.Event(), threading.Event()

    async def never() -> None:
        begun.set()

    stage.start(stage.step(), _at(gate))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stage.start(stage.step(), never()) == GivenBack()
        gc.collect()
    assert (begun.is_set(), stage.taken) == (False, 1)
    _open(stage, gate)
    eventually(lambda: stage.taken == 0)


def test_a_thread_waits_no_longer_for_other_steps_than_half_of_its_steps_time(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_steps, "PATIENCE_SECONDS", 600.0)
    stage, gate = make_stage(limit=1), asyncio.Event()
    stage.start(stage.step(), _at(gate))
    assert stage.start(stage.step(timeout_seconds=0.1), _at(gate)) == GivenBack()
    _open(stage, gate)


def test_a_step_whose_claim_is_lost_while_it_waits_for_others_is_dropped(make_stage: MakeStage) -> None:
    stage, gate = make_stage(limit=1), asyncio.Event()
    stage.start(stage.step(), _at(gate))
    late = stage.step()
    late.lose()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stage.start(late, _at(gate)) == Dropped()
        gc.collect()
    _open(stage, gate)


def test_closing_ends_every_wait(make_stage: MakeStage) -> None:
    stage, gate = make_stage(limit=1), asyncio.Event()
    stage.start(stage.step(), _at(gate))
    answers: list[Outcome | None] = []
    waiting = threading.Thread(target=lambda: answers.append(stage.start(stage.step(), _at(gate))))
    waiting.start()
    eventually(lambda: bool(stage.steps._changed._waiters))  # type: ignore[attr-defined]  # it stands and waits
    stage.steps.close()
    waiting.join(2)
    assert answers == [GivenBack()]
    _open(stage, gate)


def test_joining_waits_for_those_that_end_in_time_and_for_no_other(make_stage: MakeStage) -> None:
    stage, gate, never = make_stage(shutdown_seconds=20.0), asyncio.Event(), asyncio.Event()
    stage.start(stage.step(), _at(gate))
    stage.steps.close()
    threading.Timer(0.1, _open, (stage, gate)).start()
    stage.steps.join()
    assert stage.ended == [Succeeded("through")]
    stage.start(stage.step(), _at(never))
    stage.steps._shutdown_seconds = 0.05
    stage.steps.close()
    stage.steps.join()
    assert (len(stage.ended), stage.taken) == (1, 1)


def test_a_lost_step_is_cancelled_and_runs_no_more_but_counts_until_it_has_ended(
    make_stage: MakeStage,
) -> None:
    stage, begun, cancelled, gate = make_stage(), threading.Event(), threading.Event(), asyncio.Event()

    async def stubborn() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            await gate.wait()

    step = stage.step()
    stage.start(step, stubborn())
    assert begun.wait(10)
    step.lose()
    assert cancelled.wait(10)
    assert (stage.running.all(), stage.taken, stage.ended) == ([], 1, [])
    _open(stage, gate)
    eventually(lambda: stage.taken == 0)
    assert len(stage.ended) == 1


@pytest.mark.parametrize("rounds", [50])
def test_a_claim_lost_before_the_coroutine_begins_leaves_nothing_and_no_warning(
    make_stage: MakeStage, rounds: int
) -> None:
    stage = make_stage(limit=rounds)
    blocked, release = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        release.wait(10)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stage.loop.running().call_soon_threadsafe(block)
        assert blocked.wait(10)
        for _ in range(rounds):
            step = stage.step()
            stage.start(step, _at(asyncio.Event()))
            step.lose()
        release.set()
        eventually(lambda: stage.taken == 0)
        gc.collect()
    assert stage.ended == [Dropped()] * rounds


def test_a_claim_lost_before_the_step_counts_cancels_the_coroutine_all_the_same(make_stage: MakeStage) -> None:
    stage = make_stage()
    step = stage.step()
    step.lose()
    stage.start(step, _at(asyncio.Event()))
    eventually(lambda: stage.ended == [Dropped()])
    eventually(lambda: stage.taken == 0)


def test_a_step_counts_no_more_whatever_the_one_who_is_told_raises(
    make_stage: MakeStage, caplog: pytest.LogCaptureFixture
) -> None:
    stage = make_stage()

    def broken(_: Outcome) -> None:
        raise ZeroDivisionError("a mistake of ours")

    async def quick() -> None: ...

    stage.steps.start(stage.step(), Pending(quick(), 1.0, lambda _: Dropped()), broken)
    eventually(lambda: stage.taken == 0)
    assert "step_broken" in caplog.text


def test_a_step_counts_no_more_when_the_loop_refuses_the_coroutine(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = make_stage()
    closed = stage.loop.running()
    stage.loop.stop()
    eventually(closed.is_closed)
    monkeypatch.setattr(stage.loop, "running", lambda: closed)
    with pytest.raises(RuntimeError, match="closed"):
        stage.start(stage.step(), _at(asyncio.Event()))
    assert stage.taken == 0


def test_the_event_loop_goes_on_while_nobody_can_settle(make_stage: MakeStage) -> None:
    stage, store_is_back = make_stage(limit=async_steps.SETTLERS + 1), threading.Event()

    async def quick() -> str:
        return "quick"

    for _ in range(async_steps.SETTLERS):
        pending = Pending(quick(), 1.0, lambda result: Succeeded(result()))
        stage.steps.start(stage.step(), pending, lambda _: store_is_back.wait(10))
    beat = asyncio.run_coroutine_threadsafe(quick(), stage.loop.running())
    assert beat.result(10) == "quick"
    assert stage.taken == async_steps.SETTLERS, "a step that is not settled was no longer counted"
    store_is_back.set()
    eventually(lambda: stage.taken == 0)


def test_what_a_steps_thread_has_in_its_context_is_there_in_the_coroutine(make_stage: MakeStage) -> None:
    from structlog.contextvars import bound_contextvars, get_contextvars  # noqa: PLC0415  beside its only use

    stage = make_stage()

    async def look() -> Any:
        await asyncio.sleep(0)
        return get_contextvars()

    with bound_contextvars(quest_id="q"):
        stage.start(stage.step(), look())
    eventually(lambda: stage.ended == [Succeeded("{'quest_id': 'q'}")])


# When the watchdog should have the process replaced


def _lost_for(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(async_steps.time, "monotonic", lambda: now + seconds)


def test_half_of_the_limit_kept_by_lost_steps_is_stuck(make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, heard, gate = make_stage(limit=4), threading.Semaphore(0), asyncio.Event()

    async def stubborn() -> None:
        heard.release()
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                heard.release()

    steps = [stage.step() for _ in range(3)]
    for step in steps:
        stage.start(step, stubborn())
        assert heard.acquire(timeout=10)
    steps[0].lose()
    assert heard.acquire(timeout=10)
    _lost_for(61, monkeypatch)
    assert not stage.steps.stuck(60), "one in four is"
    monkeypatch.undo()
    steps[1].lose()
    assert heard.acquire(timeout=10)
    assert not stage.steps.stuck(60), "they have just been lost"
    _lost_for(61, monkeypatch)
    assert stage.steps.stuck(60)
    monkeypatch.undo()
    _open(stage, gate)
    eventually(lambda: stage.taken == 0)


def test_a_loop_that_does_not_hear_of_a_loss_is_stuck(make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, blocking, release = make_stage(limit=1_000), threading.Event(), threading.Event()

    async def block() -> None:
        blocking.set()
        release.wait(10)  # as a library that knows no asyncio would

    step = stage.step()
    stage.start(step, block())
    assert blocking.wait(10)
    _lost_for(61, monkeypatch)
    assert not stage.steps.stuck(60), "it still has its claim"
    monkeypatch.undo()
    step.lose()
    _lost_for(61, monkeypatch)
    assert stage.steps.stuck(60)
    monkeypatch.undo()
    release.set()
    eventually(lambda: stage.taken == 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_a_handlers_own_task_ended_is_stuck(make_stage: MakeStage) -> None:
    stage = make_stage()

    async def leave() -> None:
        raise SystemExit(3)

    async def spawn() -> None:
        task = asyncio.get_running_loop().create_task(leave())
        await asyncio.Event().wait()
        await task

    loop = stage.loop.running()
    stage.start(stage.step(), spawn())
    eventually(loop.is_closed)
    assert stage.steps.stuck(60)
