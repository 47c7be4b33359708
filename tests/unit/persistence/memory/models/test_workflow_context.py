"""A workflow's context, as an object and as JSON text."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questline_persistence.errors import PayloadError
from questline_persistence.memory.models import StepOrigin, WorkflowContext
from questline_persistence.states import ContextStatus

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
LISTS = st.lists(JSON, max_size=3)
CONTEXTS = st.builds(
    WorkflowContext,
    epic_num=st.integers(0, 1000),
    story_num=st.none() | st.integers(0, 1000),
    feature=TEXTS,
    workflow_name=TEXTS,
    current_phase=TEXTS,
    status=st.sampled_from(ContextStatus),
    decisions=OBJECTS | LISTS,
    artifacts=LISTS | OBJECTS,
    phase_history=LISTS,
    metadata=OBJECTS,
)


def a_context(**fields: Any) -> WorkflowContext:
    given_fields = {"epic_num": 12, "feature": "login", "workflow_name": "implement", "current_phase": "design"}
    return WorkflowContext(**{**given_fields, **fields})


@settings(deadline=None)
@given(CONTEXTS)
def test_a_context_comes_back_from_its_json_the_same(context: WorkflowContext) -> None:
    back = WorkflowContext.from_json(context.to_json())

    assert back == context
    assert back.to_json() == context.to_json()


def test_json_tells_what_the_context_says_and_not_what_the_store_knows() -> None:
    origin = StepOrigin(quest_id="q", epoch=0, position="0001", quest_version=2)
    context = a_context(workflow_id="w1", story_num=3, version=7, origin=origin)
    told = json.loads(context.to_json())

    assert [*told] == [name for name in WorkflowContext.model_fields if name not in {"version", "saved_at", "origin"}]
    assert (told["workflow_id"], told["story_num"], told["status"]) == ("w1", 3, "running")


def test_contexts_that_say_the_same_are_equal_at_any_version() -> None:
    context = a_context()

    assert context.model_copy(update={"version": 3}) == context
    assert context.model_copy(update={"current_phase": "build"}) != context
    assert context != context.to_json()


def test_a_new_context_is_running_and_was_changed_when_it_was_made() -> None:
    context = a_context()

    assert (context.status, context.story_num, context.version) == (ContextStatus.RUNNING, None, None)
    assert (context.decisions, context.artifacts, context.phase_history) == ({}, [], [])
    assert context.created_at == context.updated_at
    assert a_context(created_at="2026-01-01").updated_at == "2026-01-01"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the context is not JSON: "),
        ("", "the context is not JSON: "),
        ("[]", "a context is a JSON object, not list"),
        ('{"epic_num": 1}', "WorkflowContext: feature is missing"),
        ('{"epic": 1}', "WorkflowContext: epic_num is missing"),
    ],
)
def test_text_that_tells_of_no_context_is_refused(text: str, said: str) -> None:
    with pytest.raises(PayloadError) as caught:
        WorkflowContext.from_json(text)
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("decisions", "place"),
    [({"a": [float("nan")]}, "context.decisions.a[0]"), ({"a": "\ud800"}, "context.decisions.a"), ({"a": {1}}, "a")],
)
def test_what_is_not_json_is_told_by_its_place(decisions: dict[str, Any], place: str) -> None:
    with pytest.raises(PayloadError, match="the context is not JSON: ") as caught:
        a_context(decisions=decisions).to_json()
    assert place in caught.value.message


def test_writing_a_large_context_takes_no_time_to_speak_of() -> None:
    context = a_context(decisions={f"d{number}": {"why": "x" * 50, "of": [1, 2, 3]} for number in range(500)})

    def seconds() -> float:
        begun = time.thread_time()
        assert WorkflowContext.from_json(context.to_json()) == context
        return time.thread_time() - begun

    assert min(seconds() for _ in range(10)) < 0.010
