from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.errors import PayloadError
from questline_persistence.memory.merging import ABSENT, MergeConflict, merge
from questline_persistence.memory.merging.entries import same
from tests.unit.persistence.memory.merging.states import STATES, changed, is_exactly

#: A state, and two that were made of it.
THREE = STATES.flatmap(lambda base: st.tuples(st.just(base), changed(base), changed(base)))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}),
        ({"a": 1}, {"a": 1, "b": 1}, {"a": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}),
        ({"a": 1, "b": 1}, {"a": 1}, {"b": 1}, {}),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}}, {"a": {"b": 1}}, {"a": {"b": 2}}),
        ({}, {"a": {"b": 1}}, {"a": {"c": 1}}, {"a": {"b": 1, "c": 1}}),
        ({"n": 2**80}, {"n": 2**80 + 1}, {"n": 2**80, "m": 2**90}, {"n": 2**80 + 1, "m": 2**90}),
        ({"l": [1, 2]}, {"l": [1, 2, 3]}, {"l": [1, 2], "x": 0}, {"l": [1, 2, 3], "x": 0}),
        ({"l": [1]}, {"l": [1, 2]}, {"l": [1, 2]}, {"l": [1, 2]}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_what_only_one_has_changed_is_taken_over(base: Any, ours: Any, theirs: Any, merged: Any) -> None:
    result = merge(base, ours, theirs)
    assert result.conflicts == ()
    assert same(result.merged, merged)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("p q", "p n q", "p q r", "p n q r"),
        ("p q", "n p q", "p q", "n p q"),
        ("p q r", "r q p", "p q r s", "r s q p"),
        ("p q r", "p r", "p q s r", "p s r"),
        ("", "p", "q", "p q"),
        ("p", "p n m", "p q r", "p n m q r"),
        ("p q r", "p q", "q r", "q"),
    ],
)
def test_items_with_ids_are_merged_one_by_one_and_new_ones_keep_their_place(
    base: str, ours: str, theirs: str, merged: str
) -> None:
    result = merge(*([{"id": name} for name in names.split()] for names in (base, ours, theirs)))
    assert result.conflicts == ()
    assert " ".join(item["id"] for item in result.merged) == merged


def test_two_change_different_fields_of_one_item() -> None:
    base = {"steps": [{"id": 1, "done": False, "by": None}, {"id": 2, "done": False}]}
    ours = {"steps": [{"id": 1, "done": True, "by": None}, {"id": 2, "done": False}]}
    theirs = {"steps": [{"id": 1, "done": False, "by": "ann"}]}
    assert merge(base, ours, theirs).merged == {"steps": [{"id": 1, "done": True, "by": "ann"}]}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "conflict"),
    [
        ({"a": 1}, {"a": 2}, {"a": 3}, ("a", 1, 2, 3)),
        ({"a": 1}, {}, {"a": 3}, ("a", 1, ABSENT, 3)),
        ({"a": 1}, {"a": None}, {}, ("a", 1, None, ABSENT)),
        ({}, {"a": 2}, {"a": 3}, ("a", ABSENT, 2, 3)),
        ({}, {"a": 1}, {"a": True}, ("a", ABSENT, 1, True)),
        ({"a": {"b.c": 1}}, {"a": {"b.c": 2}}, {"a": {"b.c": 3}}, ('a."b.c"', 1, 2, 3)),
        ({"l": [1]}, {"l": [1, 2]}, {"l": [1, 3]}, ("l", [1], [1, 2], [1, 3])),
        ([{"id": "x", "n": 1}], [{"id": "x", "n": 2}], [{"id": "x", "n": 3}], ('"x".n', 1, 2, 3)),
        ([{"id": 7, "n": 1}], [], [{"id": 7, "n": 3}], ('"7"', {"id": 7, "n": 1}, ABSENT, {"id": 7, "n": 3})),
        ({"a": 1}, {"a": [1]}, {"a": {}}, ("a", 1, [1], {})),
        ([1], {"a": 1}, 5, ("", [1], {"a": 1}, 5)),
    ],
)
def test_what_both_have_changed_is_a_conflict_and_stays_as_it_was(
    base: Any, ours: Any, theirs: Any, conflict: Any
) -> None:
    result = merge(base, ours, theirs)
    assert result.conflicts == (MergeConflict(*conflict),)
    assert is_exactly(result.merged, base)


def test_two_that_move_the_same_items_are_in_conflict_over_the_list() -> None:
    base, ours, theirs = ([{"id": name} for name in names] for names in ("pqr", "qpr", "prq"))
    assert merge(base, ours, theirs).conflicts == (MergeConflict("", base, ours, theirs),)


def test_a_conflict_leaves_other_changes_alone() -> None:
    result = merge({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 1}, {"a": 3, "b": 1, "c": 3})
    assert result.to_json() == {
        "merged": {"a": 1, "b": 2, "c": 3},
        "conflicts": [{"path": "a", "base": 1, "ours": 2, "theirs": 3}],
    }


def test_what_is_absent_has_no_key_in_json() -> None:
    (conflict,) = merge({}, {"a": None}, {"a": 3}).to_json()["conflicts"]
    assert conflict == {"path": "a", "ours": None, "theirs": 3}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("thinking", "thinking", "done", "done"),
        ("thinking", "done", "thinking", "done"),
        ("thinking", "done", "done", "done"),
        ('{"a": 1}', '{"a": 1}', "done", "done"),
        ('{"a": 1}', '{ "a": 1 }', '{"a": 1}', '{ "a": 1 }'),
        ('{"a": 1}', '{"a": 1}', '{ "a": 1 }', '{ "a": 1 }'),
        ('{"a": 1}', '{"a": 1}', '{\n "a": 2}', '{\n "a": 2}'),
        ('{"a": 1}', '{"a": 2}', '{"a": 1, "b": 1}', '{"a":2,"b":1}'),
        ('{"a": 1}', '{"a": 123456789012345678901}', '{"a": 1, "b": 1}', '{"a":123456789012345678901,"b":1}'),
    ],
)
def test_texts_become_a_text(base: str, ours: str, theirs: str, merged: str) -> None:
    result = merge(base, ours, theirs)
    assert (result.merged, result.conflicts) == (merged, ())


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "path"),
    [
        ("thinking", "done", "failed", ""),
        ('{"a": 1}', '{"a": 2}', "failed", ""),
        ('{"a": 1}', '{"a": 2}', '{"a": 3}', "a"),
        ('{"a": 1}', "[]", '{"a": 3}', ""),
    ],
)
def test_texts_that_both_have_changed_are_a_conflict(base: str, ours: str, theirs: str, path: str) -> None:
    result = merge(base, ours, theirs)
    assert [conflict.path for conflict in result.conflicts] == [path]
    assert result.merged == base


def test_states_are_merged_as_deep_as_they_may_be_and_no_deeper() -> None:
    base, ours, theirs = {}, {"a": 1}, {"b": 1}
    for _ in range(103):
        base, ours, theirs = {"x": base}, {"x": ours}, {"x": theirs}
    assert merge(base, ours, theirs).conflicts == ()
    with pytest.raises(PayloadError, match="theirs is nested deeper than 104 levels"):
        merge(base, ours, {"x": theirs})


def test_a_merge_shares_nothing_with_what_it_was_made_of() -> None:
    ours = {"a": [1]}
    merge({}, ours, {}).merged["a"].append(2)
    assert ours == {"a": [1]}


@given(THREE)
def test_what_one_has_left_alone_becomes_what_the_other_made_of_it(states: tuple[Any, Any, Any]) -> None:
    base, ours, theirs = states
    for result, wanted in ((merge(base, base, theirs), theirs), (merge(base, ours, base), ours)):
        assert result.conflicts == ()
        assert is_exactly(result.merged, wanted)


@given(THREE)
def test_what_both_have_made_alike_stands(states: tuple[Any, Any, Any]) -> None:
    base, both, _ = states
    result = merge(base, both, both)
    assert result.conflicts == ()
    assert is_exactly(result.merged, both)


@given(THREE)
def test_conflicts_are_the_same_from_either_side(states: tuple[Any, Any, Any]) -> None:
    base, ours, theirs = states
    there, back = merge(base, ours, theirs), merge(base, theirs, ours)
    turned = [MergeConflict(one.path, one.base, one.theirs, one.ours) for one in back.conflicts]
    assert sorted(map(repr, there.conflicts)) == sorted(map(repr, turned))


@given(THREE)
def test_a_merge_without_conflicts_leaves_nothing_to_merge(states: tuple[Any, Any, Any]) -> None:
    base, ours, theirs = states
    result = merge(base, ours, theirs)
    if not result.conflicts:
        again = merge(base, result.merged, theirs)
        assert again.conflicts == ()
        assert same(again.merged, result.merged)
