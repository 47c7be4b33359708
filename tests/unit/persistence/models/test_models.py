"""A quest or step that is made wrongly is told what is wrong, and what was meant."""

import copy
import pickle
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from questline_persistence.errors import InvalidRecord, PayloadError, QuestlineError
from questline_persistence.models import LordStep, Quest

#: The models, for callers whom no type checker has warned.
Step: Any = LordStep
AQuest: Any = Quest
NOBODY = uuid.UUID(int=0)


@pytest.mark.parametrize(
    ("make", "said", "hint"),
    [
        (lambda: Step("a", "t", timeout=3), "LordStep has no field 'timeout'", "did you mean 'timeout_seconds'?"),
        (lambda: Step("a", "t", attempts=3), "LordStep has no field 'attempts'", "did you mean 'max_attempts'?"),
        (lambda: Step("a", "t", colour="red"), "LordStep has no field 'colour'", "known fields: lord_name,"),
        (lambda: Step("a", "t", max_attempts=0), "LordStep: max_attempts must be 1 or more, not 0", "1 runs the step"),
        (lambda: Step("a", "t", max_attempts=1.5), "LordStep: max_attempts is a whole number, not 1.5", "1 runs"),
        (lambda: Step("a", "t", timeout_seconds=0), "LordStep: timeout_seconds must be more than 0, not 0", None),
        (lambda: Step("a", "t", params=[1]), "LordStep: params is an object, not list", 'give an object such as {"n"'),
        (lambda: Step("a", "t", params={1: 2}), "LordStep: params has the key 1, which is int, not text", "write keys"),
        (
            lambda: AQuest(quest_type="x", input_data={NOBODY: 2}),
            "QuestExecutionData: input_data has the key UUID('00000000-0000-0000-0000-000000000000'), which is UUID",
            "write keys as text: {str(key): value for key, value in data.items()}",
        ),
        (
            lambda: AQuest(quest_type="x", priority="high"),
            "QuestExecutionData: priority is a whole number, not 'high'",
            None,
        ),
        (lambda: Step("a"), "'a' names a Lord and no tool", 'write "a:TOOL"'),
        (lambda: Step("a b", "t"), "LordStep: lord_name: 'a b' cannot be a name", "use letters, digits"),
        (lambda: Step("a", "t", {"x": 1}), "a LordStep takes two names", "give params"),
        (lambda: AQuest("x"), "QuestExecutionData takes its fields by name", "such as QuestExecutionData(quest_id=…)"),
        (lambda: AQuest(quest_typ="x"), "QuestExecutionData: quest_type is missing", None),
        (lambda: AQuest(quest_type="x", label={}), "QuestExecutionData has no field 'label'", "did you mean 'labels'?"),
        (
            lambda: AQuest(quest_type="x", execution_stack=[{"lord_name": "a", "tool_name": "t", "timeout": 3}]),
            "QuestExecutionData: execution_stack.0.timeout: Extra inputs are not permitted",
            None,
        ),
    ],
)
def test_a_wrong_field_is_told_with_the_nearest_name(make: Callable[[], Any], said: str, hint: str | None) -> None:
    with pytest.raises(InvalidRecord) as caught:
        make()
    assert caught.value.message.startswith(said)
    assert (caught.value.hint or "").startswith(hint or "")
    assert "pydantic.dev" not in caught.value.advice


def test_the_error_is_one_of_ours_and_still_what_pydantic_s_was() -> None:
    for kind in (QuestlineError, PayloadError, ValueError, TypeError):
        with pytest.raises(kind):
            Step("a", "t", timeout=3)
    with pytest.raises(ValidationError):  # who asks Pydantic is answered by it
        LordStep.model_validate({"lord_name": "a", "tool_name": "t", "timeout": 3})


def test_records_are_models_like_any_other() -> None:
    step = LordStep("a", "t", params={"x": 1})
    assert copy.deepcopy(step) == pickle.loads(pickle.dumps(step)) == step  # noqa: S301  (our own)
    assert AQuest(quest_type="x", execution_stack=[("a", "t"), step]).execution_stack[1] == step
