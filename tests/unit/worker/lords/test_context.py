from typing import cast

import pytest

from questline_persistence.errors import PayloadError
from questline_persistence.models import MAX_STEPS, LordStep
from questline_worker.lords import LordContext, Outputs, StepCancelled, lord
from tests.unit.worker.conftest import MakeClaim

#: The outputs of a quest's first step.
NOTHING = cast("Outputs", {})


def test_a_context_tells_where_it_stands(make_claim: MakeClaim) -> None:
    claim = make_claim(quest_id="q", epoch=2, position="0003", attempt=4, namespace="north", quest_type="kind")
    context = LordContext(claim, NOTHING, lambda: True)
    assert (context.quest_id, context.epoch, context.position, context.attempt) == ("q", 2, "0003", 4)
    assert (context.namespace, context.quest_type) == ("north", "kind")
    assert (context.lord_name, context.tool_name) == ("a", "work")
    assert context.idempotency_key == "q:2:0003"
    assert context.fence == claim.fence


def test_input_and_params_are_decoded(make_claim: MakeClaim) -> None:
    context = LordContext(make_claim(input_json='{"x":1}', params_json='{"y":2}'), NOTHING, lambda: True)
    assert context.input_data == {"x": 1}
    assert context.params == {"y": 2}
    assert context.input_data is context.input_data, "the input was decoded twice"


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0, 0, 1])
def test_progress_takes_a_share_of_the_whole(make_claim: MakeClaim, fraction: float) -> None:
    LordContext(make_claim(), NOTHING, lambda: True).progress(fraction, "going on")


@pytest.mark.parametrize("fraction", [-0.01, 1.01, 50, float("nan"), float("inf")])
def test_progress_refuses_anything_else(make_claim: MakeClaim, fraction: float) -> None:
    with pytest.raises(ValueError, match=r"fraction must be 0\.0 to 1\.0"):
        LordContext(make_claim(), NOTHING, lambda: True).progress(fraction)


def test_progress_is_told_before_it_is_asked_whether_to_go_on(make_claim: MakeClaim) -> None:
    told: list[tuple[float, str]] = []
    context = LordContext(make_claim(), NOTHING, lambda: not told, lambda *said: told.append(said))
    with pytest.raises(StepCancelled):
        context.progress(0.5, "half")
    assert told == [(0.5, "half")]


def test_progress_stops_a_step_whose_claim_is_gone(make_claim: MakeClaim) -> None:
    context = LordContext(make_claim(), NOTHING, lambda: False)
    with pytest.raises(StepCancelled):
        context.progress(0.5)
    with pytest.raises(StepCancelled):
        context.raise_if_cancelled()


def test_a_cancellation_is_no_exception_that_a_handler_catches_by_accident() -> None:
    assert not issubclass(StepCancelled, Exception)


def test_pushed_steps_are_kept_in_order_with_the_defaults_of_their_lords(make_claim: MakeClaim) -> None:
    @lord("b", "work", queue="gpu")
    def work(_: object) -> None: ...

    context = LordContext(make_claim(), NOTHING, lambda: True)
    assert context.pushed == ()
    context.push(LordStep("b", "work"))
    context.push(LordStep("c", "work"), "d:work", work)
    assert [step.lord_name for step in context.pushed] == ["b", "c", "d", "b"]
    assert [step.queue for step in context.pushed] == ["gpu", None, None, "gpu"]


@pytest.mark.parametrize("wrong", [("b", "work"), {"lord_name": "b", "tool_name": "work"}, None])
def test_only_steps_can_be_pushed(make_claim: MakeClaim, wrong: object) -> None:
    context = LordContext(make_claim(), NOTHING, lambda: True)
    with pytest.raises(TypeError, match="names no step"):
        context.push(LordStep("b", "work"), wrong)  # type: ignore[arg-type]  # the point
    assert context.pushed == (), "a part of a refused push was kept"


def test_no_more_steps_can_be_pushed_than_a_quest_may_hold(make_claim: MakeClaim) -> None:
    context = LordContext(make_claim(), NOTHING, lambda: True)
    many = [LordStep("b", "work")] * MAX_STEPS
    context.push(*many)
    with pytest.raises(PayloadError, match="10,000 pushed steps are too many; a quest may have 9,999"):
        context.push(LordStep("b", "work"))
