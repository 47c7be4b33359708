"""What an attempt says that it has spent."""

from typing import Any

import pytest

from questline_persistence.costs import Cost
from questline_worker.lords import AttemptCost, LordContext, Outputs
from questline_worker.lords import attempt_cost as module
from tests.unit.worker.conftest import MakeClaim

NOTHING: Outputs = {}  # type: ignore[assignment]  # nothing of it is asked for


def test_what_is_spent_adds_up_by_model(make_claim: MakeClaim) -> None:
    context = LordContext(make_claim(), NOTHING, lambda: True)
    assert context.spent_by_model == {}
    context.cost(model="small", input_tokens=3, usd=0.25)
    context.cost(model="small", output_tokens=2, usd=0.25)
    context.cost(usd=1)

    assert context.spent_by_model == {"small": Cost(3, 2, 0.5), "": Cost(0, 0, 1.0)}


@pytest.mark.parametrize(
    "told", [{"input_tokens": -1}, {"output_tokens": 1.5}, {"input_tokens": True}, {"usd": -0.1}, {"usd": float("nan")}]
)
def test_what_can_be_no_cost_is_refused(make_claim: MakeClaim, told: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        LordContext(make_claim(), NOTHING, lambda: True).cost(**told)


def test_only_so_many_models_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MODELS", 1)
    cost = AttemptCost()
    for name in ("x" * 200, "b", "c"):
        cost.add(name, 1, 0, 0.0)

    assert cost.by_model == {"x" * module.MAX_MODEL: Cost(1), "": Cost(2)}
