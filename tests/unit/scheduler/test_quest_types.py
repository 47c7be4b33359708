from typing import Any

import pytest

from questline_persistence.errors import ConfigurationError, PayloadError
from questline_persistence.models import MAX_STEPS, LordStep
from questline_scheduler.quest_types import build_stack, known_types, quest_type


def test_a_type_makes_steps_from_input_data() -> None:
    @quest_type("build")
    def build(data: dict[str, Any]) -> list[LordStep]:
        return [LordStep("builder", "work", params={"floor": floor}) for floor in range(data["floors"])]

    assert [step.params["floor"] for step in build_stack("build", {"floors": 3})] == [0, 1, 2]
    assert known_types() == ["build"]


def test_a_type_may_return_any_sequence() -> None:
    quest_type("pair")(lambda _: (LordStep("a", "work"), LordStep("b", "work")))
    assert len(build_stack("pair", {})) == 2


def test_a_builder_does_not_change_the_callers_data() -> None:
    @quest_type("greedy")
    def build(data: dict[str, Any]) -> list[LordStep]:
        data.clear()
        return [LordStep("a", "work")]

    given = {"x": 1}
    build_stack("greedy", given)
    assert given == {"x": 1}


def test_an_unknown_type_lists_the_known_ones() -> None:
    quest_type("one")(lambda _: [])
    quest_type("two")(lambda _: [])
    with pytest.raises(PayloadError, match="unknown quest type 'three'") as unknown:
        build_stack("three", {})
    assert str(unknown.value.hint).startswith("known types: one, two (")


def test_a_misspelt_type_is_told_the_nearest_and_that_a_client_imports_no_module() -> None:
    quest_type("design_microservice")(lambda _: [])
    with pytest.raises(PayloadError) as unknown:
        build_stack("design_microservise", {})
    assert str(unknown.value.hint).startswith("did you mean 'design_microservice'? (")
    assert "QuestClient imports that module itself" in str(unknown.value.hint)


def test_an_unknown_type_where_none_is_known_tells_how_to_register_one() -> None:
    with pytest.raises(PayloadError) as unknown:
        build_stack("three", {})
    assert "QUESTLINE_LORDS" in (unknown.value.hint or "")


def test_what_a_builder_raises_refuses_the_quest_and_is_its_cause() -> None:
    @quest_type("strict")
    def build(data: dict[str, Any]) -> list[LordStep]:
        return [LordStep("a", "work")] * data["floors"]

    with pytest.raises(PayloadError, match="quest type 'strict' refuses this input: KeyError: 'floors'") as refused:
        build_stack("strict", {})
    assert isinstance(refused.value.__cause__, KeyError)


def test_a_builder_may_name_steps_by_one_word_each() -> None:
    quest_type("short")(lambda _: ["a:work", LordStep("b", "work")])

    assert build_stack("short", {}) == [LordStep("a", "work"), LordStep("b", "work")]


@pytest.mark.parametrize("wrong", [[("a", "work")], [{"lord_name": "a", "tool_name": "work"}], ["a"], [None]])
def test_a_builder_that_returns_something_else_than_steps_is_told(wrong: list[Any]) -> None:
    quest_type("wrong")(lambda _: wrong)
    with pytest.raises(PayloadError, match="quest type 'wrong' returned") as refused:
        build_stack("wrong", {})
    assert "LordStep" in (refused.value.hint or "")


@pytest.mark.parametrize("wrong", [None, "a:work", LordStep("a", "work"), {"a": "work"}])
def test_a_builder_that_returns_no_list_is_told(wrong: Any) -> None:
    quest_type("single")(lambda _: wrong)
    kind = type(wrong).__name__
    with pytest.raises(PayloadError, match=f"what quest type 'single' returned is a list of steps, not .*{kind}"):
        build_stack("single", {})


def test_a_builder_that_returns_more_steps_than_a_quest_may_hold_is_told() -> None:
    step = LordStep("a", "work")
    quest_type("long")(lambda data: [step] * data["count"])
    assert len(build_stack("long", {"count": MAX_STEPS})) == MAX_STEPS
    with pytest.raises(PayloadError, match="returned 10,000 steps; the limit is 9,999"):
        build_stack("long", {"count": MAX_STEPS + 1})


def test_two_functions_of_one_name_are_refused() -> None:
    @quest_type("twice")
    def first(_: dict[str, Any]) -> list[LordStep]:
        return []

    with pytest.raises(ConfigurationError, match="the quest type 'twice' is registered twice"):

        @quest_type("twice")
        def second(_: dict[str, Any]) -> list[LordStep]:
            return []


def test_the_same_function_may_be_registered_again() -> None:
    def build(_: dict[str, Any]) -> list[LordStep]:
        return [LordStep("a", "work")]

    assert quest_type("same")(build) is build
    quest_type("same")(build)
    assert known_types() == ["same"]


@pytest.mark.parametrize("name", [5, "with space", "", None])
def test_a_type_has_a_name_that_a_quest_can_have(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a quest type"):
        quest_type(name)


def test_a_type_without_its_parentheses_is_told_how_to_be_written() -> None:
    mistaken: Any = quest_type

    with pytest.raises(ConfigurationError, match="was given no name, but the function itself") as refused:

        @mistaken
        def build(_: dict[str, Any]) -> list[LordStep]:
            return []

    assert refused.value.hint == 'write @quest_type("TYPE")'
    assert known_types() == []


@pytest.mark.parametrize("function", [lambda: (), lambda _one, _two: (), "build", None])
def test_a_type_is_a_function_of_input_data_alone(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="quest type 'odd'") as refused:
        quest_type("odd")(function)
    assert refused.value.hint == "write: def odd(input_data: dict) -> list[LordStep]"
    assert known_types() == []


def test_what_a_builder_refuses_on_purpose_is_told_as_it_says_it() -> None:
    @quest_type("strict")
    def build(_: dict[str, Any]) -> list[LordStep]:
        raise ValueError("no floors")

    with pytest.raises(PayloadError, match="refuses this input: no floors"):
        build_stack("strict", {})
