import asyncio
import threading

from questline_persistence.claims import Dropped, Failed, Outcome, Succeeded
from questline_worker.lords import LordContext, lord
from questline_worker.steps import EventLoop, Execution, Pending, RunningStep
from tests.contract.quests import Workbench
from tests.unit.worker.conftest import MakeClaim, run_to_end
from tests.unit.worker.steps.outcomes import Run, failure
from tests.waiting import eventually


def test_an_async_handler_is_stopped_when_its_time_is_over(run: Run) -> None:
    cancelled = threading.Event()

    @lord("a", "work")
    async def work(_: LordContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    assert "TimeoutError: timed out after 0.05 s" in failure(run(timeout_seconds=0.05)).error
    assert cancelled.is_set()


def test_the_timeout_error_of_an_async_handler_is_its_own(run: Run) -> None:
    @lord("a", "work")
    async def work(_: LordContext) -> None:
        raise TimeoutError("the oven did not answer")

    assert failure(run()).error.startswith("TimeoutError: the oven did not answer")


def test_an_async_handler_that_swallows_its_timeout_may_still_succeed(run: Run) -> None:
    @lord("a", "work")
    async def work(_: LordContext) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "saved what there was"
        return "never"

    assert isinstance(run(timeout_seconds=0.05), (Succeeded, Failed))


def test_async_handlers_run_side_by_side_on_one_thread(run: Run) -> None:
    threads: set[int] = set()
    meeting = asyncio.Event()

    @lord("a", "work")
    async def work(context: LordContext) -> str:
        threads.add(threading.get_ident())
        if context.attempt == 1:
            await meeting.wait()
        else:
            meeting.set()
        return "met"

    outcomes: list[Outcome] = []
    first = threading.Thread(target=lambda: outcomes.append(run(attempt=1)))
    first.start()
    eventually(lambda: bool(threads))
    outcomes.append(run(attempt=2))
    first.join(10)
    assert outcomes == [Succeeded('"met"', ())] * 2
    assert len(threads) == 1


def test_a_coroutine_whose_claim_is_lost_is_cancelled_and_dropped(
    bench: Workbench, loop: EventLoop, make_claim: MakeClaim
) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    @lord("a", "work")
    async def work(_: LordContext) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    step = RunningStep(make_claim(), lambda _: True)
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(run_to_end(Execution(bench.repository), step, loop)))
    thread.start()
    assert begun.wait(10)
    step.lose()
    thread.join(10)
    assert outcomes == [Dropped()]
    assert cancelled.wait(10)


def test_an_async_handler_is_called_with_its_arguments_and_left_to_be_awaited(
    bench: Workbench, loop: EventLoop, make_claim: MakeClaim
) -> None:
    @lord("a", "work")
    async def work(_: LordContext, x: int) -> int:
        return x

    begun = Execution(bench.repository).begin(RunningStep(make_claim(params_json='{"x":7}'), lambda _: True))
    assert isinstance(begun, Pending)
    assert begun.conclude(asyncio.run_coroutine_threadsafe(begun.run(), loop.running()).result) == Succeeded("7", ())


def test_what_an_async_handler_returns_is_awaited_no_further(run: Run) -> None:
    async def inner() -> None: ...

    left = inner()

    @lord("a", "work")
    async def work(_: LordContext) -> object:
        return left

    assert "the output of a:work is not JSON" in failure(run()).error
    left.close()
