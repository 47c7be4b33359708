from typing import Any

import pytest

from questline_persistence.claims import Succeeded
from questline_persistence.models import LordStep
from questline_persistence.writes import Pushes
from questline_worker.lords import LordContext, lord
from questline_worker.steps import EventLoop, Execution, RunningStep
from tests.contract.quests import Workbench
from tests.unit.worker.conftest import MakeClaim, run_to_end
from tests.unit.worker.steps.outcomes import Run, failure


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
    assert [[step.lord_name for step in one.steps] for one in outcome.also if isinstance(one, Pushes)] == [["b"]]


def test_parameters_are_filled_from_params_then_input_then_outputs(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext, x: int, y: int) -> list[int]:
        return [x, y]

    assert run(params_json='{"x":1}', input_json='{"x":2,"y":2}') == Succeeded("[1,2]", ())


def test_a_missing_parameter_fails_the_step_for_good_and_is_named(bench: Workbench, loop: EventLoop) -> None:
    @lord("a", "work")
    def work(_: LordContext, service: str) -> None: ...

    claim = bench.claim(bench.submit("a"))
    failed = failure(run_to_end(Execution(bench.repository), RunningStep(claim, lambda _: True), loop))
    assert failed.retry_in is None
    assert "'service' has no value" in failed.error


def test_a_handler_knows_how_many_attempts_there_are(run: Run) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> list[int]:
        return [context.attempt, context.max_attempts]

    assert run(attempt=2, max_attempts=7) == Succeeded("[2,7]", ())


@pytest.mark.parametrize("value", [{1, 2}, object(), {1: "x"}, float("nan"), b"bytes", [float("inf")]])
def test_a_result_that_is_not_json_is_the_end_with_a_clear_error(run: Run, value: object) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> object:
        return value

    failed = failure(run())
    assert failed.retry_in is None
    assert "the output of a:work is not JSON" in failed.error


def test_a_result_that_contains_itself_is_the_end_with_a_clear_error(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> object:
        ring: list[object] = []
        ring.append(ring)
        return ring

    assert "the output of a:work" in failure(run()).error


def test_a_result_of_ten_megabytes_is_the_end_with_a_clear_error(run: Run) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "x" * 10_000_000

    failed = failure(run())
    assert failed.retry_in is None
    assert "the limit is 1,000,000" in failed.error


def test_an_unknown_handler_is_told(run: Run) -> None:
    assert "this worker does not know a:work" in failure(run()).error


def test_a_sync_handler_has_run_when_it_has_begun(bench: Workbench, make_claim: MakeClaim) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "done"

    assert Execution(bench.repository).begin(RunningStep(make_claim(), lambda _: True)) == Succeeded('"done"')
