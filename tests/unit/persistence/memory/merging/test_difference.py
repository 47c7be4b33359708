import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.errors import PayloadError
from questline_persistence.memory.merging import ABSENT, ChangeKind, StateChange, difference
from questline_persistence.memory.merging.entries import entries, same
from questline_persistence.payload import parse_path
from tests.unit.persistence.memory.merging.states import STATES, changed


@pytest.mark.parametrize(
    ("a", "b", "changes"),
    [
        ({}, {}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", "changed", 1, 2)]),
        ({"a": 1}, {"a": True}, [("a", "changed", 1, True)]),
        ({"a": 1}, {"a": 1.0}, [("a", "changed", 1, 1.0)]),
        ({"a": None}, {}, [("a", "removed", None, ABSENT)]),
        ({}, {"a": None}, [("a", "added", ABSENT, None)]),
        ({"a": {"b c": 1}}, {"a": {"b c": 2}}, [('a."b c"', "changed", 1, 2)]),
        ({"a.b": 1, "a": {"b": 1}}, {"a.b": 1, "a": {"b": 2}}, [('"a".b', "changed", 1, 2)]),
        ({"a": 2**90}, {"a": 2**90 + 1}, [("a", "changed", 2**90, 2**90 + 1)]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [("a", "changed", [1, 2], [1, 3])]),
        ({"a": {}}, {"a": []}, [("a", "changed", {}, [])]),
        (1, [1], [("", "changed", 1, [1])]),
    ],
)
def test_a_difference_tells_each_change_with_its_path(a: Any, b: Any, changes: list[Any]) -> None:
    assert [(one.path, one.kind, one.before, one.after) for one in difference(a, b)] == changes


@pytest.mark.parametrize(
    ("a", "b", "changes"),
    [
        ([{"id": 1, "x": 1}], [{"id": 1, "x": 2}], ['"1".x changed']),
        ([{"id": "s.1"}], [{"id": "s.1"}, {"id": "s.2"}], ['"s.2" added']),
        ([{"id": 1}, {"id": 2}], [{"id": 2}], ['"1" removed']),
        ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}], [" reordered"]),
        ([{"id": 1}], [{"id": 0}, {"id": 1}], ['"0" added', " reordered"]),
        ([{"id": 1}, {"id": 1}], [{"id": 1}], [" changed"]),
        ([{"id": 1}], [{"id": "1"}], [" changed"]),
        ([{"id": True}], [{"id": True}, {"id": False}], [" changed"]),
        ([{"id": 1}], [{"id": 1}, {}], [" changed"]),
        ([{"id": [1]}], [{"id": [2]}], [" changed"]),
        ([], [{"id": 1}], ['"1" added']),
    ],
)
def test_lists_are_compared_item_by_item_where_each_has_an_id_of_its_own(a: Any, b: Any, changes: list[str]) -> None:
    assert [f"{one.path} {one.kind}" for one in difference(a, b)] == changes


@pytest.mark.parametrize(
    ("a", "b", "changes"),
    [
        ("{}", " { } ", []),
        ('{"a": 1, "b": 1}', '{"b":1,"a":2}', [("a", 1, 2)]),
        (f'{{"a": {2**90}}}', f'{{"a": {2**90 + 1}}}', [("a", 2**90, 2**90 + 1)]),
        ("thinking", "thinking", []),
        ("thinking", "done", [("", "thinking", "done")]),
        ("1.0", "1", [("", "1.0", "1")]),
        ('{"a": 1}', "done", [("", '{"a": 1}', "done")]),
        ('{"a": 1, "a": 2}', '{"a": 2}', [("", '{"a": 1, "a": 2}', '{"a": 2}')]),
        ('{"a": NaN}', '{"a": 1e999}', [("", '{"a": NaN}', '{"a": 1e999}')]),
        ('{"a": "\\ud800"}', "{}", [("", '{"a": "\\ud800"}', "{}")]),
        ("[" * 200 + "]" * 200, "[]", [("", "[" * 200 + "]" * 200, "[]")]),
        ("[" * 200_000, "[", [("", "[" * 200_000, "[")]),
        ('{"a": 1}', {"a": 2}, [("a", 1, 2)]),
    ],
)
def test_text_is_read_if_it_is_json_and_otherwise_compared_as_it_stands(a: Any, b: Any, changes: list[Any]) -> None:
    assert [(one.path, one.before, one.after) for one in difference(a, b)] == changes


def test_a_change_is_json_in_which_null_is_something() -> None:
    changes = difference({"a": None}, {"b": None})
    assert json.loads(json.dumps([one.to_json() for one in changes])) == [
        {"path": "a", "kind": "removed", "before": None},
        {"path": "b", "kind": "added", "after": None},
    ]


def nested(depth: int, inmost: Any) -> Any:
    for _ in range(depth):
        inmost = {"a": inmost}
    return inmost


def test_states_are_compared_as_deep_as_they_may_be_and_no_deeper() -> None:
    (change,) = difference(nested(104, 1), nested(104, 2))
    assert change == StateChange(".".join("a" * 104), ChangeKind.CHANGED, 1, 2)
    with pytest.raises(PayloadError, match="a is nested deeper than 104 levels"):
        difference(nested(100_000, 1), {})


@pytest.mark.parametrize("state", [{"a": {1}}, {"a": float("nan")}, {1: 1}, b"{}"])
def test_what_is_no_json_is_refused_with_its_side(state: Any) -> None:
    with pytest.raises(PayloadError, match="b is not JSON"):
        difference({}, state)


@given(STATES.flatmap(lambda a: st.tuples(st.just(a), changed(a))))
def test_applying_the_difference_gives_the_other_state(states: tuple[Any, Any]) -> None:
    a, b = states
    changes = difference(a, b)
    assert same(applied(a, changes), b)
    assert bool(changes) == (not same(a, b))


@given(STATES.flatmap(lambda a: st.tuples(st.just(a), changed(a))))
def test_the_difference_of_the_way_back_tells_the_same_places(states: tuple[Any, Any]) -> None:
    there, back = (
        [one for one in difference(*pair) if one.kind != ChangeKind.REORDERED] for pair in (states, states[::-1])
    )
    assert sorted((one.path, repr(one.before), repr(one.after)) for one in there) == sorted(
        (one.path, repr(one.after), repr(one.before)) for one in back
    )


def applied(state: Any, changes: list[StateChange]) -> Any:
    """Return what a state becomes by changes, each of which must find what it says was there."""
    root = {"": deepcopy(state)}
    for change in changes:
        *way, last = [part.text for part in parse_path(f'"".{change.path}' if change.path else '""')]
        holder: Any = root
        for key in way:
            holder = holder[_key(holder, key)]
        _apply(change, holder, _key(holder, last))
    return root[""]


def _key(holder: Any, text: str) -> Any:
    """Return the key or, in a list, the number of the item with that id; None if there is none."""
    if isinstance(holder, dict):
        return text
    return next((number for number, item in enumerate(holder) if str(item["id"]) == text), None)


def _apply(change: StateChange, holder: Any, key: Any) -> None:
    match change.kind:
        case ChangeKind.REMOVED:
            assert same(holder.pop(key), change.before)
        case ChangeKind.ADDED if isinstance(holder, list):
            assert key is None
            holder.append(change.after)
        case ChangeKind.ADDED:
            assert key not in holder
            holder[key] = change.after
        case ChangeKind.CHANGED:
            assert same(holder[key], change.before)
            holder[key] = change.after
        case ChangeKind.REORDERED:
            found = entries(holder[key])
            assert found is not None
            holder[key] = [found[0][one] for one in change.after]
