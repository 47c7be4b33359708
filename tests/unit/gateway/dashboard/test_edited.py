"""Edited JSON as the corrections of a replay."""

from typing import Any

import pytest

from questline_gateway.dashboard.edited import corrections, read_json
from questline_persistence.errors import PayloadError

OLD = {"limits": {"max": 5000, "cost": 9007199254740993}, "names": ["a", "b"], "flag": True, "a.b": 1}


def _changes(new: Any) -> dict[str, Any]:
    return corrections(("input_data",), OLD, new, "the input")


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (OLD, {}),
        (OLD | {"flag": False}, {"input_data.flag": False}),
        (OLD | {"limits": {"max": 800, "cost": 9007199254740993}}, {"input_data.limits.max": 800}),
        (OLD | {"limits": {"max": 800}}, {"input_data.limits": {"max": 800}}),
        (OLD | {"names": ["a"]}, {"input_data.names": ["a"]}),
        (OLD | {"flag": 1}, {"input_data.flag": 1}),
        (OLD | {"a.b": 2}, {'input_data."a.b"': 2}),
        (OLD | {"new": None}, {"input_data.new": None}),
        (OLD | {"limits": OLD["limits"] | {"more": 1}}, {'input_data.limits."more"': 1}),
        (OLD | {"limits": 3}, {"input_data.limits": 3}),
    ],
)
def test_only_what_was_changed_is_corrected(new: Any, expected: dict[str, Any]) -> None:
    found = _changes(new)
    assert {path.replace('"new"', "new"): value for path, value in found.items()} == expected
    assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize("new", [[], None, "text", {"limits": {}}])
def test_what_a_replay_cannot_do_is_refused(new: Any) -> None:
    with pytest.raises(PayloadError):
        _changes(new)


def test_integers_of_any_size_come_through() -> None:
    assert read_json('{"n": 123456789012345678901234567890}', "it") == {"n": 123456789012345678901234567890}


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "[" * 100_000, '{"a": 1,}'])
def test_what_is_no_json_is_refused_and_says_where(text: str) -> None:
    with pytest.raises(PayloadError, match="the input"):
        read_json(text, "the input")
