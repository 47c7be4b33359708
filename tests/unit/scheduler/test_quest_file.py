from typing import Any

import pytest

from questline_persistence.errors import PayloadError
from questline_scheduler.quest_file import read_quest

STEP = {"lord_name": "a", "tool_name": "work"}


def test_a_whole_quest_is_read() -> None:
    quest = read_quest(
        {
            "quest_type": "build",
            "quest_id": "q1",
            "input_data": {"x": 1},
            "execution_stack": [{**STEP, "params": {"y": 2}, "max_attempts": 5, "timeout_seconds": 9}],
            "labels": {"team": "red"},
            "queue": "gpu",
            "priority": 7,
            "idempotency_key": "k",
        }
    )
    assert (quest.quest_id, quest.quest_type, quest.queue, quest.priority) == ("q1", "build", "gpu", 7)
    assert quest.execution_stack[0].params == {"y": 2}
    assert (quest.execution_stack[0].max_attempts, quest.execution_stack[0].timeout_seconds) == (5, 9)
    assert (quest.labels, quest.idempotency_key) == ({"team": "red"}, "k")


def test_a_step_may_be_written_in_one_word() -> None:
    quest = read_quest({"quest_type": "build", "execution_stack": ["a:work", {"step": "a:work", "params": {"y": 2}}]})

    assert [step.handler for step in quest.execution_stack] == ["a:work", "a:work"]
    assert quest.execution_stack[1].params == {"y": 2}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("a", "execution_stack.1: 'a' names a Lord and no tool"),
        ({"step": ":work"}, "execution_stack.1: ':work' is not LORD:TOOL"),
        ({"step": "a:work", "tool_name": "work"}, "execution_stack.1: 'a:work' stands beside lord_name or tool_name"),
    ],
)
def test_a_word_that_is_no_step_is_told_with_its_place(step: Any, said: str) -> None:
    with pytest.raises(PayloadError) as refused:
        read_quest({"quest_type": "build", "execution_stack": [STEP, step]})

    assert refused.value.message == said
    assert refused.value.hint


def test_a_quest_type_alone_is_enough() -> None:
    quest = read_quest({"quest_type": "build"})
    assert quest.quest_id
    assert quest.execution_stack == []


def test_null_is_the_same_as_leaving_a_key_out() -> None:
    assert read_quest({"quest_type": "build", "labels": None, "queue": None, "quest_id": None}).queue == "default"


def test_pairs_are_taken_for_steps() -> None:
    assert (
        read_quest({"quest_type": "build", "execution_stack": [("a", "work")]}).execution_stack[0].handler == "a:work"
    )


@pytest.mark.parametrize(
    ("key", "near"), [("prioritty", "priority"), ("quest_typ", "quest_type"), ("executionstack", "execution_stack")]
)
def test_an_unknown_key_is_refused_with_the_nearest_one(key: str, near: str) -> None:
    with pytest.raises(PayloadError, match=f"a quest has no key '{key}'") as refused:
        read_quest({"quest_type": "build", key: 1})
    assert refused.value.hint == f"did you mean {near!r}?"


@pytest.mark.parametrize(("key", "near"), [("parms", "params"), ("tool", "tool_name"), ("max_attempt", "max_attempts")])
def test_an_unknown_key_of_a_step_is_refused_with_the_nearest_one(key: str, near: str) -> None:
    with pytest.raises(PayloadError, match=rf"execution_stack\.1\.{key}: a step has no key '{key}'") as refused:
        read_quest({"quest_type": "build", "execution_stack": [STEP, {**STEP, key: 1}]})
    assert refused.value.hint == f"did you mean {near!r}?"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"execution_stack": [STEP] * 10_000}, "execution_stack has 10,000 entries; the limit is 9,999"),
        ({"labels": {f"k{number}": "v" for number in range(33)}}, "labels: 33 are too many; the limit is 32"),
        ({"labels": {"k" * 64: "v"}}, f"labels: '{'k' * 64}' is not a label's key"),
        ({"labels": {"my key": "v"}}, "labels: 'my key' is not a label's key"),
        ({"labels": {"k": "v" * 256}}, "labels.k is 256 characters long; the limit is 255"),
        ({"labels": {"k": 3}}, "labels.k is int, not text"),
        ({"queue": "q" * 101}, "queue is 101 characters long; the limit is 100"),
        ({"idempotency_key": "k" * 256}, "idempotency_key is 256 characters long; the limit is 255"),
        ({"quest_id": "with space"}, "quest_id: 'with space' cannot be a name"),
    ],
)
def test_what_is_too_much_is_named_with_its_size_and_the_limit(data: dict[str, Any], message: str) -> None:
    with pytest.raises(PayloadError) as refused:
        read_quest({"quest_type": "build", **data})
    assert refused.value.message == message


def test_a_long_name_is_not_repeated_whole() -> None:
    with pytest.raises(PayloadError) as refused:
        read_quest({"quest_type": "build", "x" * 100_000: 1})
    assert len(f"{refused.value} {refused.value.hint}") < 500


@pytest.mark.parametrize("key", ["status", "run_data", "namespace", "epoch", "output_data", "error", "xyzzy"])
def test_a_key_that_is_not_the_producers_is_refused_with_those_that_are(key: str) -> None:
    with pytest.raises(PayloadError, match=f"a quest has no key '{key}'") as refused:
        read_quest({"quest_type": "build", key: 1})
    assert refused.value.hint


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({}, "quest_type"),
        ({"quest_type": "with space"}, "quest_type"),
        ({"quest_type": 7}, "quest_type"),
        ({"quest_type": "b", "input_data": [1]}, "input_data"),
        ({"quest_type": "b", "priority": "high"}, "priority"),
        ({"quest_type": "b", "priority": 5000}, "priority"),
        ({"quest_type": "b", "queue": "no queue"}, "queue"),
        ({"quest_type": "b", "labels": {"a b": "c"}}, "labels"),
        ({"quest_type": "b", "labels": {"a": 1}}, "labels.a"),
        ({"quest_type": "b", "quest_id": "with space"}, "quest_id"),
        ({"quest_type": "b", "execution_stack": "a"}, "execution_stack"),
        ({"quest_type": "b", "execution_stack": [{"lord_name": "a"}]}, "execution_stack.0.tool_name"),
        ({"quest_type": "b", "execution_stack": [STEP, {**STEP, "tool": "x"}]}, "execution_stack.1.tool"),
        ({"quest_type": "b", "execution_stack": [{**STEP, "max_attempts": 0}]}, "execution_stack.0.max_attempts"),
        ({"quest_type": "b", "execution_stack": [STEP] * 10_000}, "execution_stack"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(data: dict[str, Any], place: str) -> None:
    with pytest.raises(PayloadError) as refused:
        read_quest(data)
    assert refused.value.message.startswith(f"{place}")
