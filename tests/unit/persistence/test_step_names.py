"""A step may be named by two words, by one, or by the function that was registered for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from questline_persistence.errors import InvalidRecord
from questline_persistence.models import LordStep, Quest
from questline_persistence.step_names import give_names, names_of

Step: Any = LordStep
ONCE = "name the Lord and the tool once"


def design(_: object) -> None: ...


def serve(_: object) -> None: ...


def stranger(_: object) -> None: ...


give_names(design, ["architect:design"])
give_names(serve, ["a:x", "a:y"])


@wraps(design)
def traced(_: object) -> None: ...


@pytest.mark.parametrize(
    "step",
    [
        Step("architect:design"),
        Step(design),
        Step(traced),
        Step("architect", tool_name="design"),
        Step(step="architect:design"),
        LordStep.model_validate({"step": "architect:design"}),
        LordStep.model_validate("architect:design"),
        LordStep.model_validate(("architect", "design")),
    ],
)
def test_all_spellings_mean_the_same_step(step: LordStep) -> None:
    assert step == LordStep("architect", "design")


def test_options_stand_beside_every_spelling() -> None:
    options: dict[str, Any] = {"params": {"x": 1}, "max_attempts": 5}

    assert Step(design, **options) == Step("architect:design", **options) == Step("architect", "design", **options)


def test_a_stack_takes_every_spelling() -> None:
    stack: Any = [design, "architect:design", ("architect", "design"), {"step": "architect:design"}]

    assert Quest(quest_type="x", execution_stack=stack).execution_stack == [LordStep("architect", "design")] * 4


@pytest.mark.parametrize(
    ("make", "said", "hint"),
    [
        (lambda: Step("architect"), "'architect' names a Lord and no tool", 'write "architect:TOOL"'),
        (lambda: Step("architect:"), "'architect:' is not LORD:TOOL", "write both names with one colon"),
        (lambda: Step(":design"), "':design' is not LORD:TOOL", "write both names with one colon"),
        (lambda: Step("a:b:c"), "'a:b:c' is not LORD:TOOL", "write both names with one colon"),
        (lambda: Step(""), "'' is not LORD:TOOL", "write both names with one colon"),
        (lambda: Step("a b:c"), "LordStep: lord_name: 'a b' cannot be a name", "use letters, digits"),
        (lambda: Step(stranger), "stranger is registered as no Lord", "decorate it with @lord("),
        (lambda: Step(print), "print is registered as no Lord", "decorate it with @lord("),
        (lambda: Step(serve), "serve is registered as a:x, a:y", 'say which is meant, such as "a:x"'),
        (lambda: Step(3), "3 names no step", "give a LordStep,"),
        (lambda: Step("a:b", "c"), "'a:b' and 'c' name a step in two ways at once", ONCE),
        (lambda: Step("a", "b:c"), "'a' and 'b:c' name a step in two ways at once", ONCE),
        (lambda: Step(design, "c"), "design and 'c' name a step in two ways at once", ONCE),
        (lambda: Step(design, tool_name="c"), "design stands beside lord_name or tool_name", ONCE),
        (lambda: Step("a", lord_name="b"), "'a' stands beside lord_name or tool_name", ONCE),
        (
            lambda: Quest(quest_type="x", execution_stack=["a:b", Step("a", "b"), "c:"]),  # type: ignore[list-item]
            "QuestExecutionData: execution_stack.2: 'c:' is not LORD:TOOL",
            "write both names",
        ),
    ],
)
def test_what_names_no_step_is_told_with_the_way_to_write_it(make: Callable[[], Any], said: str, hint: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        make()

    assert caught.value.message.startswith(said)
    assert (caught.value.hint or "").startswith(hint)


def test_what_takes_no_attribute_bears_no_name_and_breaks_nothing() -> None:
    class Agent:
        def work(self, _: object) -> None: ...

    method = Agent().work
    give_names(method, ["a:work"])

    assert names_of(method) == ()
