import asyncio
import sys
from datetime import timedelta

import pytest

from questline_persistence.claims import Dropped, Snoozed, Succeeded
from questline_persistence.errors import PayloadError
from questline_persistence.models import LordStep
from questline_worker.lords import LordContext, Permanent, Retry, Snooze, StepCancelled, lord
from tests.unit.worker.steps.outcomes import Run, failure


def test_an_error_is_tried_again_after_a_back_off(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise ValueError("no")

    failed = failure(run(backoff_seconds=10))
    assert failed.retry_in is not None
    assert 5 <= failed.retry_in <= 10


def test_an_error_of_the_last_attempt_is_the_end(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise ValueError("no")

    assert failure(run(attempt=3, max_attempts=3)).retry_in is None


def test_a_permanent_error_is_the_end_at_once(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise Permanent("never")

    failed = failure(run())
    assert failed.retry_in is None
    assert failed.error.startswith("Permanent: never")


def test_retry_after_is_taken_at_its_word_while_there_are_attempts(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise Retry("later", after=77)

    assert failure(run()).retry_in == 77
    assert failure(run(attempt=3)).retry_in is None


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
    failed = failure(run())
    assert failed.retry_in == retry_in
    assert "several" in failed.error


def test_a_group_without_a_word_about_retrying_is_tried_again_after_a_back_off(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise ExceptionGroup("several", [ValueError("x"), Snooze(5), Retry()])

    retry_in = failure(run(backoff_seconds=1.0)).retry_in
    assert retry_in is not None
    assert 0.5 <= retry_in <= 1.0
    assert failure(run(attempt=3)).retry_in is None


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
    assert failure(run()).retry_in is not None


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_nothing_that_a_handler_raises_gets_out(run: Run, error: BaseException, kind: str) -> None:
    def work(_: LordContext) -> None:
        raise error

    async def work_async(_: LordContext) -> None:
        raise error

    lord("a", "work")(work if kind == "sync" else work_async)
    failed = failure(run())
    assert failed.retry_in is not None
    assert failed.error


def test_system_exit_of_an_async_handler_leaves_the_event_loop_running(run: Run) -> None:
    @lord("a", "work")
    async def work(context: LordContext) -> str:
        if context.attempt == 1:
            sys.exit("out")
        return "in"

    assert "SystemExit: out" in failure(run()).error
    assert run(attempt=2) == Succeeded('"in"', ())


def test_a_step_whose_claim_is_gone_is_dropped(run: Run) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> None:
        context.raise_if_cancelled()

    assert run(held=False) == Dropped()


def test_a_handler_that_raises_our_cancellation_by_itself_fails(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        raise StepCancelled("not really")

    assert failure(run()).retry_in is not None
