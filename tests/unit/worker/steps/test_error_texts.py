"""What an error's text holds."""

import asyncio

import pytest

from questline_persistence.claims import Failed
from questline_worker.lords import LordContext, lord
from questline_worker.steps.execution import MAX_ERROR
from tests.unit.worker.steps.outcomes import Run, failure


def test_an_error_tells_its_summary_first_and_the_handlers_traceback_below_but_not_our_frames(run: Run) -> None:
    def helper() -> None:
        raise ValueError("the well is dry")

    @lord("a", "work")
    def work(_: LordContext) -> None:
        helper()

    error = failure(run()).error
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

    error = failure(run()).error
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

    error = failure(run()).error
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

    assert "hidden" not in failure(run()).error


def test_errors_that_are_each_others_cause_are_told_once(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        first, second = ValueError("chicken"), ValueError("egg")
        first.__cause__, second.__cause__ = second, first
        raise first

    error = failure(run()).error
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

    assert len(failure(run()).error) <= MAX_ERROR + 10


def test_the_members_of_an_exception_group_are_told(run: Run) -> None:
    @lord("a", "work")
    async def work(_: LordContext) -> None:
        async def broken(name: str) -> None:
            raise ValueError(f"{name} is broken")

        async with asyncio.TaskGroup() as group:
            group.create_task(broken("left"))
            group.create_task(broken("right"))

    error = failure(run()).error
    assert error.startswith("ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)")
    assert "left is broken" in error
    assert "right is broken" in error


def test_notes_on_an_error_are_told(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        error = ValueError("dry")
        error.add_note("it was the third well")
        raise error

    assert "it was the third well" in failure(run()).error


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

    error = failure(run()).error
    assert len(error) <= MAX_ERROR + 10
    assert error.startswith("ValueError: begin xxx")
    assert error.endswith("xxx end")


def test_endless_recursion_is_an_error_like_any_other(run: Run) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> None:
        work(context)

    error = failure(run()).error
    assert error.startswith("RecursionError")
    assert "repeated" in error
