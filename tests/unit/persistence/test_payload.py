import dataclasses
import datetime as dt
import decimal
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.errors import PayloadError
from questline_persistence.limits import Limit
from questline_persistence.payload import MAX_DEPTH, MAX_QUOTED, decode, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@dataclasses.dataclass
class Point:
    x: int = 1


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@given(JSON)
def test_json_comes_back_as_it_went_in(value: Any) -> None:
    text = encode(value, what="it")

    assert decode(text) == value
    assert json.loads(text) == value


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        [1, {"x": -float("inf")}],
        {1, 2},
        {"x": {1}},
        b"bytes",
        object(),
        Point(),
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        decimal.Decimal(1),
        1j,
        {1: "x"},
        {None: "x"},
        {("a",): 1},
        {"x": [{2: 3}]},
        "\ud800",
        {"x": "\udfff"},
        {"\ud800": 1},
        {"big": 2**70, "\ud800": 1},
        {"big": 2**70, "x": float("nan")},
        {"big": 2**70, 1: 2},
        {"big": 2**70, "x": {1}},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_json_is_refused_with_its_name(value: Any) -> None:
    with pytest.raises(PayloadError, match="the output is not JSON"):
        encode(value, what="the output")


@pytest.mark.parametrize("value", [2**63, 2**64, -(2**64), 10**400, {"x": [2**70, "ü", None, 1.5]}])
def test_big_integers_come_back_exactly(value: Any) -> None:
    assert decode(encode(value, what="it")) == value


def test_an_integer_too_long_to_be_written_is_refused() -> None:
    with pytest.raises(PayloadError, match="is not JSON"):
        encode(10**5_000, what="it")


def test_a_tuple_is_a_list() -> None:
    assert decode(encode((1, ("x",), {"y": ()}), what="it")) == [1, ["x"], {"y": []}]
    assert decode(encode((2**70, (1,)), what="it")) == [2**70, [1]]


def test_none_is_no_missing_number() -> None:
    assert decode(encode({"x": None, "y": [None]}, what="it")) == {"x": None, "y": [None]}


def test_nul_and_text_of_all_kinds_come_back() -> None:
    value = {"nul \0": "a\0b", "quote \"'": "\\ \n \u2028 😀"}

    assert decode(encode(value, what="it")) == value


@pytest.mark.parametrize("big", [False, True])
def test_the_size_is_counted_in_bytes(*, big: bool) -> None:
    value = ["ü" * 10, 2**70] if big else "ü" * 10
    size = len(encode(value, what="it").encode())

    assert encode(value, what="it", limit=Limit(size))
    with pytest.raises(PayloadError, match=f"it is {size} bytes of JSON; the limit is {size - 1}") as caught:
        encode(value, what="it", limit=Limit(size - 1, "max_output_bytes"))
    assert str(caught.value.hint).endswith("or raise QUESTLINE_MAX_OUTPUT_BYTES")


@pytest.mark.parametrize("leaf", [1, 2**70])
def test_nesting_is_bounded(leaf: int) -> None:
    assert encode([leaf, nested(MAX_DEPTH - 1)], what="it")
    for depth in (MAX_DEPTH, 10 * MAX_DEPTH, 100_000):
        with pytest.raises(PayloadError, match=f"deeper than {MAX_DEPTH} levels"):
            encode([leaf, nested(depth)], what="it")


def test_a_value_that_holds_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["self"] = value

    with pytest.raises(PayloadError):
        encode(value, what="it")


@pytest.mark.parametrize("big", [False, True])
def test_a_tree_whose_nodes_know_their_parents_ends_at_a_limit_and_not_when_memory_does(*, big: bool) -> None:
    parent: dict[str, Any] = {"parent": None, "size": 2**70 if big else 1}
    parent["children"] = [{"parent": parent, "children": []} for _ in range(3)]

    with pytest.raises(PayloadError, match=r"it is more than 1,000,000 bytes of JSON"):
        encode(parent, what="it")


def test_what_holds_one_thing_many_times_over_is_refused_before_it_is_written_out() -> None:
    value: list[Any] = []
    for _ in range(60):
        value = [value, value]  # 2 to the power of 60 lists, once it is text

    with pytest.raises(PayloadError, match=r"it is more than 1,000,000 bytes of JSON"):
        encode(value, what="it")


def test_one_long_text_many_times_over_is_refused_before_it_is_written_out() -> None:
    text = "x" * 1_000
    with pytest.raises(PayloadError, match=r"it is more than 100,000 bytes of JSON"):
        encode([text, [text] * 400], what="it", limit=Limit(100_000))
    with pytest.raises(PayloadError, match=r"it is 100,\d\d\d bytes of JSON"):
        encode([text, [text] * 99], what="it", limit=Limit(100_000))


def test_a_long_key_that_is_no_text_is_not_repeated_whole() -> None:
    with pytest.raises(PayloadError) as caught:
        encode({("x" * 10_000,): 1}, what="it")

    assert len(str(caught.value)) < 3 * MAX_QUOTED
