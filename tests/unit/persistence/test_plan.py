from typing import Any

import pytest

from questline_persistence.errors import PayloadError
from questline_persistence.models import LordStep
from questline_persistence.payload import Limit, Limits, decode
from questline_persistence.plan import Plans, stack_text


def step(**options: Any) -> LordStep:
    return LordStep(**{"lord_name": "a", "tool_name": "work", "params": {"x": 1}, **options})


def test_equal_stacks_have_one_plan() -> None:
    plans = Plans()

    assert plans.of([step(), step()]) is plans.of([step(), step()])
    assert plans.of([step()]) is not Plans().of([step()])


@pytest.mark.parametrize(
    "options",
    [
        {"lord_name": "b"},
        {"tool_name": "rest"},
        {"params": {"x": 2}},
        {"params": {}},
        {"params": {"x": "1"}},
        {"max_attempts": 4},
        {"timeout_seconds": 1.0},
        {"backoff_seconds": 2.0},
        {"queue": "own"},
    ],
    ids=str,
)
def test_stacks_that_differ_in_anything_have_plans_of_their_own(options: dict[str, Any]) -> None:
    plans = Plans()
    plan, other = plans.of([step(), step()]), plans.of([step(), step(**options)])

    assert other is not plan
    assert (other.steps, other.text) != (plan.steps, plan.text)


@pytest.mark.parametrize(
    "params", [{}, {"x": [1, None, "ü\0", {"y": "null"}]}, {"x": 2**64 + 1}, {"x": 1.5, "y": {"z": [2**70 + 1]}}]
)
def test_the_text_of_a_plan_is_that_of_its_stack(params: dict[str, Any]) -> None:
    stack = [step(params=params), step(queue="own", max_attempts=9, timeout_seconds=0.5)]
    plan = Plans().of(stack)

    assert decode(plan.text) == decode(stack_text(stack)) == [one.model_dump() for one in stack]
    assert [decode(one.params) for one in plan.steps] == [one.params for one in stack]


def test_a_plan_starts_with_its_first_step() -> None:
    plan = Plans().of([step(queue="own"), step()])

    assert (plan.position, plan.handler, plan.queue) == ("0001", "a:work", "own")
    assert [(one.position, one.occurrence, one.queue) for one in plan.steps] == [("0001", 1, "own"), ("0002", 2, None)]


@pytest.mark.parametrize(("count", "said"), [(4, "is 4,485 bytes"), (9, "is more than 1,000 bytes")])
def test_a_stack_is_measured_without_being_written_where_it_is_far_too_large(count: int, said: str) -> None:
    plans = Plans(Limits(stack=Limit(1_000, "max_stack_bytes")))

    with pytest.raises(PayloadError, match=f"execution_stack {said}"):
        plans.of([step(params={"x": "y" * 990})] * count)


def test_a_number_that_is_none_is_refused_in_a_stack() -> None:
    changed = step()
    changed.timeout_seconds = float("nan")

    with pytest.raises(PayloadError, match="execution_stack is not JSON: it holds nan"):
        Plans().of([changed])
