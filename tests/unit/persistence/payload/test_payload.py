import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import pathlib
import re
import uuid
from collections import OrderedDict
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, field_serializer

from questline_persistence.errors import PayloadError
from questline_persistence.payload import Limit, decode, encode
from questline_persistence.payload.encoding import MAX_DEPTH
from questline_persistence.payload.no_json_form import MAX_QUOTED

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@dataclasses.dataclass
class Point:
    x: float = 1


@dataclasses.dataclass
class Hidden:
    x: object = dataclasses.field(default_factory=object)


class Colour(enum.Enum):
    RED = "red"
    BOTH = ("red", 2)


class Size(enum.IntEnum):
    SMALL = 1


class Address(BaseModel):
    street: str = Field(alias="road")
    since: dt.date


class Pair(NamedTuple):
    left: int
    right: decimal.Decimal


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
        Point,
        Point(float("nan")),
        Hidden(),
        [decimal.Decimal(1), {1}],
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


class Bill(BaseModel):
    total: decimal.Decimal = decimal.Decimal(0)
    lines: list[decimal.Decimal] = []
    by_price: dict[decimal.Decimal, int] = {}


@dataclasses.dataclass
class Price:
    amount: decimal.Decimal | None


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(
    ("holder", "place"),
    [
        (lambda number: number, "output"),
        (lambda number: {"a": [1, number]}, "output.a[1]"),
        (lambda number: Bill.model_construct(total=number), "output.total"),
        (lambda number: Bill.model_construct(lines=[decimal.Decimal(1), number]), "output.lines[1]"),
        (lambda number: [Price(number)], "output[0].amount"),
    ],
    ids=["alone", "in lists and objects", "a field", "in a field", "of a dataclass"],
)
def test_a_decimal_that_is_no_number_is_refused_as_a_float_is(holder: Any, place: str, text: str) -> None:
    with pytest.raises(PayloadError, match=re.escape(f"it holds {text} at {place}")) as caught:
        encode(holder(decimal.Decimal(text)), what="output")

    assert caught.value.hint == "use None for a missing number"


def test_a_key_of_a_model_that_is_no_number_is_refused() -> None:
    with pytest.raises(PayloadError, match=r"it holds NaN at output\.by_price\.NaN"):
        encode(Bill.model_construct(by_price={decimal.Decimal("NaN"): 1}), what="output")


def test_a_model_may_write_something_else_for_a_decimal_that_is_no_number() -> None:
    class Reading(BaseModel):
        value: decimal.Decimal | None

        @field_serializer("value")
        def write(self, value: decimal.Decimal | None) -> str | None:
            return None if value is None or value.is_nan() else str(value)

    assert encode(Reading.model_construct(value=decimal.Decimal("NaN")), what="output") == '{"value":null}'


WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
NAME = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("value", "form", "annotation"),
    [
        (WHEN, "2026-01-02T03:04:05Z", dt.datetime),
        (WHEN.date(), "2026-01-02", dt.date),
        (WHEN.time(), "03:04:05", dt.time),
        (dt.timedelta(minutes=1.5), "PT1M30S", dt.timedelta),
        (decimal.Decimal("1.10"), "1.10", decimal.Decimal),
        (NAME, str(NAME), uuid.UUID),
        (Colour.RED, "red", Colour),
        (Size.SMALL, 1, Size),
        (Point(2.5), {"x": 2.5}, Point),
        (Pair(1, decimal.Decimal(2)), [1, "2"], Pair),
        (pathlib.Path("a/b"), "a/b", pathlib.Path),
        (Address(road="x", since=WHEN.date()), {"road": "x", "since": "2026-01-02"}, Address),
        ({"a": [Point(1.0)], "b": (WHEN, None)}, {"a": [{"x": 1.0}], "b": ["2026-01-02T03:04:05Z", None]}, None),
        ([Colour.BOTH, WHEN], [["red", 2], "2026-01-02T03:04:05Z"], None),
        ([2**70, WHEN], [2**70, "2026-01-02T03:04:05Z"], None),
        (OrderedDict(x=WHEN), {"x": "2026-01-02T03:04:05Z"}, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_pydantic_reads_back_by_an_annotation_is_written_as_it_writes_it(
    value: Any, form: Any, annotation: Any
) -> None:
    found = decode(encode(value, what="it"))
    assert found == form
    if annotation is not None:
        assert TypeAdapter(annotation).validate_python(found) == value


@pytest.mark.parametrize(
    ("value", "said", "hint"),
    [
        ({"items": [1, {"when": {1}}]}, "output.items[1].when is of type set", "use a list instead"),
        ({"a": b"x"}, "output.a is of type bytes", "b64encode"),
        ([object()], "output[0] is of type object", "a Pydantic model, a dataclass, datetime"),
        ({"a": [Point(math.nan)]}, "it holds nan at output.a[0].x", "use None"),
        ({"a": [None, math.inf]}, "it holds inf at output.a[1]", "use None"),
        ({"a": {2: 1}}, "the key 2 is int, not str, in output.a", "write keys as text: {str(key)"),
        ({"a": ["\ud800"]}, "the text in 'output.a[0]' holds half of a surrogate pair", None),
        ({"a": Hidden()}, "output.a is a Hidden that Pydantic cannot write", "dataclass"),
    ],
)
def test_what_is_no_json_is_told_with_its_place_and_what_to_use_instead(
    value: Any, said: str, hint: str | None
) -> None:
    with pytest.raises(PayloadError) as caught:
        encode(value, what="the output of a:work", root="output")
    assert caught.value.message.startswith(f"the output of a:work is not JSON: {said}")
    assert (hint is None) == (caught.value.hint is None)
    assert hint is None or hint in str(caught.value.hint)
    assert "return" not in str(caught.value.hint)


def test_what_a_model_holds_is_measured_too() -> None:
    with pytest.raises(PayloadError, match="the limit is 1,000"):
        encode([Address(road="x" * 2_000, since=WHEN.date())], what="it", limit=Limit(1_000))


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
