import asyncio
import contextvars
import decimal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog

from questline_persistence.errors import PayloadError
from questline_persistence.models import LordStep
from questline_worker.lords import (
    Dropped,
    Failed,
    LordContext,
    Outcome,
    Permanent,
    Retry,
    Snooze,
    Snoozed,
    StepCancelled,
    Succeeded,
    lord,
)
from questline_worker.steps import EventLoop, Execution, Pending, RunningStep
from questline_worker.steps.execution import MAX_ERROR
from tests.contract.quests import Workbench
from tests.unit.worker.conftest import MakeClaim, run_to_end
from tests.waiting import eventually

Run = Callable[..., Outcome]


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    loop = EventLoop()
    yield loop
    loop.stop()


@pytest.fixture
def run(bench: Workbench, loop: EventLoop, make_claim: MakeClaim) -> Run:
    """A function that runs the handler of a:work for a claim, whose fields may be given."""
    execution = Execution(bench.repository)

    def run(*, held: bool = True, **changed: Any) -> Outcome:
        step = RunningStep(make_claim(**changed), lambda _: held)
        if not held:
            step.lose()
        return run_to_end(execution, step, loop)

    return run


def _failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


def test_what_a_handler_returns_becomes_json(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> dict[str, Any]:
        return {"x": [1, None, "é"]}

    assert run() == Succeeded('{"x":[1,null,"é"]}', ())


def test_a_handler_that_returns_nothing_succeeds_with_null(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None: ...

    assert run() == Succeeded("null", ())


def test_pushed_steps_come_with_the_success(run: Run) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> None:
        context.push(LordStep("b", "work"))

    outcome = run()
    assert isinstance(outcome, Succeeded)
    assert [step.lord_name for step in outcome.pushed] == ["b"]


def test_parameters_are_filled_from_params_then_input_then_outputs(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext, x: int, y: int) -> list[int]:
        return [x, y]

    assert run(params_json='{"x":1}', input_json='{"x":2,"y":2}') == Succeeded("[1,2]", ())


def test_a_missing_parameter_fails_the_step_for_good_and_is_named(bench: Workbench, loop: EventLoop) -> None:
    @lord("a", "work")
    def work(_: LordContext, service: str) -> None: ...

    claim = bench.claim(bench.submit("a"))
    failed = _failed(run_to_end(Execution(bench.repository), RunningStep(claim, lambda _: True), loop))
    assert failed.retry_in is None
    assert "'service' has no value" in failed.error


def test_an_error_is_tried_again_after_a_back_off(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise ValueError("no")

    failed = _failed(run(backoff_seconds=10))
    assert failed.retry_in is not None
    assert 5 <= failed.retry_in <= 10


def test_an_error_of_the_last_attempt_is_the_end(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise ValueError("no")

    assert _failed(run(attempt=3, max_attempts=3)).retry_in is None


def test_a_permanent_error_is_the_end_at_once(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise Permanent("never")

    failed = _failed(run())
    assert failed.retry_in is None
    assert failed.error.startswith("Permanent: never")


def test_retry_after_is_taken_at_its_word_while_there_are_attempts(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise Retry("later", after=77)

    assert _failed(run()).retry_in == 77
    assert _failed(run(attempt=3)).retry_in is None


@pytest.mark.parametrize("after", [-1, float("nan"), float("inf"), 31 * 86_400])
def test_retry_refuses_a_wait_that_is_none(after: float) -> None:
    with pytest.raises(ValueError, match="after must be 0 to"):
        Retry(after=after)


@pytest.mark.parametrize("after", [0, 1.5, timedelta(minutes=2)])
@pytest.mark.parametrize("how", ["raised", "returned"])
def test_a_snooze_puts_the_step_off_whether_it_is_raised_or_returned(
    run: Run, how: str, after: float | timedelta
) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> Snooze:
        context.push(LordStep("b", "work"))
        if how == "raised":
            raise Snooze(after)
        return Snooze(after)

    seconds = after.total_seconds() if isinstance(after, timedelta) else after
    assert run() == run(attempt=3, max_attempts=3) == Snoozed(seconds)


@pytest.mark.parametrize("after", [-1, float("nan"), float("inf"), timedelta(days=31), timedelta(seconds=-1)])
def test_a_snooze_refuses_a_wait_that_is_none(after: float | timedelta) -> None:
    with pytest.raises(ValueError, match="after must be 0 to"):
        Snooze(after)


def test_retry_takes_a_timedelta() -> None:
    assert Retry(after=timedelta(minutes=2)).after == 120.0


@pytest.mark.parametrize(
    ("errors", "retry_in"),
    [
        ([ValueError("x"), Permanent("never")], None),
        ([Retry(after=5), ExceptionGroup("inner", [Permanent("never")])], None),
        ([Retry(after=5), ValueError("x"), ExceptionGroup("inner", [Retry(after=77), Retry()])], 77.0),
        ([Snooze(5), PayloadError("too large")], None),
        ([Snooze(5), Retry(after=77)], 77.0),
    ],
)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_a_group_of_errors_holds_counts_as_if_it_had_been_raised_alone(
    run: Run, errors: list[Exception], retry_in: float | None, kind: str
) -> None:
    def work(_: LordContext) -> None:
        raise ExceptionGroup("several", errors)

    async def work_async(_: LordContext) -> None:
        raise ExceptionGroup("several", errors)

    lord("a", "work")(work if kind == "sync" else work_async)
    failed = _failed(run())
    assert failed.retry_in == retry_in
    assert "several" in failed.error


def test_a_group_without_a_word_about_retrying_is_tried_again_after_a_back_off(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise ExceptionGroup("several", [ValueError("x"), Snooze(5), Retry()])

    retry_in = _failed(run(backoff_seconds=1.0)).retry_in
    assert retry_in is not None
    assert 0.5 <= retry_in <= 1.0
    assert _failed(run(attempt=3)).retry_in is None


def test_a_group_of_snoozes_alone_puts_the_step_off_by_the_longest(run: Run) -> None:
    @lord("a", "work")
    async def work(_: LordContext) -> None:
        async def poll(seconds: float) -> None:
            raise Snooze(seconds)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(poll(5))
            tasks.create_task(poll(9))

    assert run() == Snoozed(9.0)


def test_a_step_that_was_lost_is_dropped_also_where_a_group_tells_of_it(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise BaseExceptionGroup("several", [ValueError("x"), StepCancelled("gone")])

    assert run(held=False) == Dropped()
    assert _failed(run()).retry_in is not None


def test_a_handler_knows_how_many_attempts_there_are(run: Run) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> list[int]:
        return [context.attempt, context.max_attempts]

    assert run(attempt=2, max_attempts=7) == Succeeded("[2,7]", ())


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_nothing_that_a_handler_raises_gets_out(run: Run, error: BaseException, kind: str) -> None:
    def work(_: LordContext) -> None:
        raise error

    async def work_async(_: LordContext) -> None:
        raise error

    lord("a", "work")(work if kind == "sync" else work_async)
    failed = _failed(run())
    assert failed.retry_in is not None
    assert failed.error


def test_system_exit_of_an_async_handler_leaves_the_event_loop_running(run: Run) -> None:
    @lord("a", "work")
    async def work(context: LordContext) -> str:
        if context.attempt == 1:
            sys.exit("out")
        return "in"

    assert "SystemExit: out" in _failed(run()).error
    assert run(attempt=2) == Succeeded('"in"', ())


@pytest.mark.parametrize("value", [{1, 2}, object(), {1: "x"}, float("nan"), b"bytes", [float("inf")]])
def test_a_result_that_is_not_json_is_the_end_with_a_clear_error(run: Run, value: object) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> object:
        return value

    failed = _failed(run())
    assert failed.retry_in is None
    assert "the output of a:work is not JSON" in failed.error


def test_a_result_that_contains_itself_is_the_end_with_a_clear_error(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> object:
        ring: list[object] = []
        ring.append(ring)
        return ring

    assert "the output of a:work" in _failed(run()).error


def test_a_result_of_ten_megabytes_is_the_end_with_a_clear_error(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "x" * 10_000_000

    failed = _failed(run())
    assert failed.retry_in is None
    assert "the limit is 1,000,000" in failed.error


def test_an_async_handler_is_stopped_when_its_time_is_over(run: Run) -> None:
    cancelled = threading.Event()

    @lord("a", "work")
    async def work(_: LordContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    assert "TimeoutError: timed out after 0.05 s" in _failed(run(timeout_seconds=0.05)).error
    assert cancelled.is_set()


def test_the_timeout_error_of_an_async_handler_is_its_own(run: Run) -> None:
    @lord("a", "work")
    async def work(_: LordContext) -> None:
        raise TimeoutError("the oven did not answer")

    assert _failed(run()).error.startswith("TimeoutError: the oven did not answer")


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


def test_a_step_whose_claim_is_gone_is_dropped(run: Run) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> None:
        context.raise_if_cancelled()

    assert run(held=False) == Dropped()


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


def test_a_handler_that_raises_our_cancellation_by_itself_fails(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise StepCancelled("not really")

    assert _failed(run()).retry_in is not None


def test_an_unknown_handler_is_told(run: Run) -> None:
    assert "this worker does not know a:work" in _failed(run()).error


# What an error's text holds


def test_an_error_tells_its_summary_first_and_the_handlers_traceback_below_but_not_our_frames(run: Run) -> None:
    def helper() -> None:
        raise ValueError("the well is dry")

    @lord("a", "work")
    def work(_: LordContext) -> None:
        helper()

    error = _failed(run()).error
    assert error.startswith("ValueError: the well is dry\n\nTraceback (most recent call last):\n")
    assert "in helper" in error
    assert "in work" in error
    assert "questline_worker" not in error
    assert error.endswith("ValueError: the well is dry")


def test_the_traceback_of_an_async_handler_holds_neither_our_frames_nor_those_of_futures(run: Run) -> None:
    @lord("a", "work")
    async def work(_: LordContext) -> None:
        await asyncio.sleep(0)
        raise ValueError("dry")

    error = _failed(run()).error
    assert "in work" in error
    assert "questline_worker" not in error
    assert "concurrent/futures" not in error


def test_the_cause_of_an_error_is_told(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        try:
            raise KeyError("customer")  # noqa: TRY301  a handler as users write it
        except KeyError as missing:
            raise LookupError("no such order") from missing

    error = _failed(run()).error
    assert error.startswith("LookupError: no such order")
    assert "KeyError: 'customer'" in error
    assert "direct cause" in error


def test_a_context_that_was_suppressed_is_not_told(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        try:
            raise KeyError("hidden")  # noqa: TRY301  as above
        except KeyError:
            raise LookupError("shown") from None

    assert "hidden" not in _failed(run()).error


def test_errors_that_are_each_others_cause_are_told_once(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        first, second = ValueError("chicken"), ValueError("egg")
        first.__cause__, second.__cause__ = second, first
        raise first

    error = _failed(run()).error
    assert "chicken" in error
    assert "egg" in error


def test_a_chain_of_a_thousand_causes_is_bounded(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        error: Exception = ValueError("the first")
        for number in range(2_000):
            error, error.__cause__ = ValueError(f"number {number}"), error
        error.__cause__ = None
        link: Exception = error
        for number in range(2_000):
            following = ValueError(f"link {number}")
            link.__cause__ = following
            link = following
        raise error

    assert len(_failed(run()).error) <= MAX_ERROR + 10


def test_the_members_of_an_exception_group_are_told(run: Run) -> None:
    @lord("a", "work")
    async def work(_: LordContext) -> None:
        async def broken(name: str) -> None:
            raise ValueError(f"{name} is broken")

        async with asyncio.TaskGroup() as group:
            group.create_task(broken("left"))
            group.create_task(broken("right"))

    error = _failed(run()).error
    assert error.startswith("ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)")
    assert "left is broken" in error
    assert "right is broken" in error


def test_notes_on_an_error_are_told(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        error = ValueError("dry")
        error.add_note("it was the third well")
        raise error

    assert "it was the third well" in _failed(run()).error


class _Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even that")


class _Evasive(Exception):
    @property
    def __class__(self) -> type:  # type: ignore[override]  # that is what it is about
        raise RuntimeError("guess")


ODD_ERRORS = {
    "mute": (_Mute(), "_Mute"),
    "evasive": (_Evasive(), "_Evasive"),
    "syntax": (SyntaxError("odd token", ("rules.cfg", 3, 1, b"a = = b")), "SyntaxError: odd token"),  # type: ignore[arg-type]
    "group": (ExceptionGroup("a few", [SyntaxError("odd", ("f", 1, 1, b"x"))]), "a few"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("error", "told"), ODD_ERRORS.values(), ids=ODD_ERRORS)
def test_an_error_that_cannot_say_what_it_is_fails_its_step_all_the_same(run: Run, error: Exception, told: str) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise error

    try:
        outcome: object = run(max_attempts=1)
    except BaseException as flaw:  # noqa: BLE001  pytest could not tell of one that has the error for its context
        outcome = type(flaw).__name__
    assert isinstance(outcome, Failed), outcome
    assert told in outcome.error
    assert outcome.retry_in is None


def test_a_huge_error_keeps_its_beginning_and_its_end(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise ValueError("begin " + "x" * 1_000_000 + " end")

    error = _failed(run()).error
    assert len(error) <= MAX_ERROR + 10
    assert error.startswith("ValueError: begin xxx")
    assert error.endswith("xxx end")


def test_endless_recursion_is_an_error_like_any_other(run: Run) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> None:
        work(context)

    error = _failed(run()).error
    assert error.startswith("RecursionError")
    assert "repeated" in error


# What a handler sets in its context is its own

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


# In a pool, an async handler is left to be awaited


def test_an_async_handler_is_called_with_its_arguments_and_left_to_be_awaited(
    bench: Workbench, loop: EventLoop, make_claim: MakeClaim
) -> None:
    @lord("a", "work")
    async def work(_: LordContext, x: int) -> int:
        return x

    begun = Execution(bench.repository).begin(RunningStep(make_claim(params_json='{"x":7}'), lambda _: True))
    assert isinstance(begun, Pending)
    assert begun.conclude(asyncio.run_coroutine_threadsafe(begun.run(), loop.running()).result) == Succeeded("7", ())


def test_a_sync_handler_has_run_when_it_has_begun(bench: Workbench, make_claim: MakeClaim) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "done"

    assert Execution(bench.repository).begin(RunningStep(make_claim(), lambda _: True)) == Succeeded('"done"')


def test_what_an_async_handler_returns_is_awaited_no_further(run: Run) -> None:
    async def inner() -> None: ...

    left = inner()

    @lord("a", "work")
    async def work(_: LordContext) -> object:
        return left

    assert "the output of a:work is not JSON" in _failed(run()).error
    left.close()
