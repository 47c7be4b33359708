import dataclasses
import enum
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Protocol, TypeVar

import pytest
from pydantic import BaseModel, Field

from questline_persistence.errors import ConfigurationError
from questline_worker.lords import LordContext, Permanent, fill
from questline_worker.lords.parameters import read_parameters


class Address(BaseModel):
    street: str
    number: int


@dataclasses.dataclass
class Order:
    id: int
    address: Address


class Colour(enum.Enum):
    RED = "red"


def _filled(function: Callable[..., Any], *sources: dict[str, Any]) -> dict[str, Any]:
    return fill(read_parameters(function, "a:work"), sources)


def test_a_parameter_is_taken_from_the_first_source_that_has_its_name() -> None:
    def handler(_: object, x: int, y: int, z: int) -> None: ...

    assert _filled(handler, {"x": 1}, {"x": 2, "y": 2}, {"x": 3, "y": 3, "z": 3}) == {"x": 1, "y": 2, "z": 3}


def test_a_strict_model_is_read_from_its_json_form() -> None:
    class Strict(BaseModel, strict=True):
        when: date
        colour: Colour

    def handler(_: object, x: Strict) -> None: ...

    filled = _filled(handler, {"x": {"when": "2026-01-02", "colour": "red"}})
    assert filled == {"x": Strict(when=date(2026, 1, 2), colour=Colour.RED)}


def test_a_missing_parameter_is_named() -> None:
    def handler(_: object, service: str) -> None: ...

    with pytest.raises(Permanent, match="the parameter 'service' has no value: it is missing in the step's params"):
        _filled(handler, {}, {}, {})


def test_a_default_fills_what_is_missing_and_only_that() -> None:
    def handler(_: object, given: int = 1, missing: int = 2, nothing: int | None = None) -> None: ...

    assert _filled(handler, {"given": 7}) == {"given": 7, "missing": 2, "nothing": None}


def test_none_is_a_value() -> None:
    def handler(_: object, x: int | None = 5) -> None: ...

    assert _filled(handler, {"x": None}) == {"x": None}


def test_a_value_of_the_wrong_type_is_named_with_its_place() -> None:
    def handler(_: object, order: Order) -> None: ...

    wrong = {"order": {"id": 1, "address": {"street": "Long", "number": "twelve"}}}
    with pytest.raises(Permanent, match=r"'order\.address\.number' has a value of the wrong type: .*integer"):
        _filled(handler, wrong)


def test_an_error_does_not_tell_the_value() -> None:
    def handler(_: object, number: int) -> None: ...

    with pytest.raises(Permanent) as refused:
        _filled(handler, {"number": "my secret"})
    assert "my secret" not in str(refused.value)


def test_models_dataclasses_and_other_types_are_made_of_json() -> None:
    def handler(  # noqa: PLR0917  as users write them
        _: object, address: Address, order: Order, colour: Colour, day: date, pair: tuple[int, str], tags: set[str]
    ) -> None: ...

    address = {"street": "Long", "number": 12}
    sources = {
        "address": address,
        "order": {"id": 1, "address": address},
        "colour": "red",
        "day": "2026-11-21",
        "pair": [1, "one"],
        "tags": ["x", "x"],
    }
    assert _filled(handler, sources) == {
        "address": Address(street="Long", number=12),
        "order": Order(1, Address(street="Long", number=12)),
        "colour": Colour.RED,
        "day": date(2026, 11, 21),
        "pair": (1, "one"),
        "tags": {"x"},
    }


def test_constraints_of_an_annotation_count() -> None:
    def handler(_: object, share: Annotated[float, Field(ge=0, le=1)]) -> None: ...

    assert _filled(handler, {"share": 0.5}) == {"share": 0.5}
    with pytest.raises(Permanent, match="less than or equal to 1"):
        _filled(handler, {"share": 2})


def test_a_parameter_without_annotation_takes_anything() -> None:
    def handler(_, x, y: Any) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001  what users write

    assert _filled(handler, {"x": [1], "y": {"z": None}}) == {"x": [1], "y": {"z": None}}


def test_keyword_only_parameters_are_filled_too() -> None:
    def handler(_: object, *, x: int) -> None: ...

    assert _filled(handler, {"x": 1}) == {"x": 1}


def test_a_handler_that_takes_the_context_alone_needs_no_annotations_resolved() -> None:
    def handler(context: "Unknown") -> "Nowhere": ...  # type: ignore[name-defined]  # noqa: F821  the point

    assert read_parameters(handler, "a:work") == ()


def _args(_: object, *x: int) -> None: ...
def _kwargs(_: object, **x: int) -> None: ...
def _positional(_: object, x: int, /) -> None: ...


@pytest.mark.parametrize("handler", [_args, _kwargs, _positional])
def test_a_parameter_that_cannot_be_filled_by_name_is_refused(handler: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"the handler of a:work has the parameter .*x.* by name"):
        read_parameters(handler, "a:work")


def _nothing() -> None: ...
def _only_args(*_: object) -> None: ...
def _only_keyword(*, _: object) -> None: ...


@pytest.mark.parametrize("handler", [_nothing, _only_args, _only_keyword])
def test_a_handler_without_a_place_for_the_context_is_refused(handler: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="takes no context") as refused:
        read_parameters(handler, "a:work")
    assert "LordContext" in (refused.value.hint or "")


def _unknown_name(_: object, x: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821  the point
def _unknown_member(_: object, x: "dataclasses.Nowhere") -> None: ...  # type: ignore[name-defined]  # the point
def _no_type(_: object, x: "1 +") -> None: ...  # type: ignore[valid-type]  # noqa: F722  the point


@pytest.mark.parametrize("handler", [_unknown_name, _unknown_member, _no_type])
def test_an_annotation_that_cannot_be_resolved_is_told_when_the_lord_is_declared(handler: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="a:work has an annotation that cannot be resolved") as refused:
        read_parameters(handler, "a:work")
    assert "TYPE_CHECKING" in (refused.value.hint or "")


def test_a_type_that_json_cannot_fill_is_told_when_the_lord_is_declared() -> None:
    class Socket:
        pass

    def handler(_: object, socket: Socket) -> None: ...

    handler.__annotations__["socket"] = Socket
    with pytest.raises(ConfigurationError, match="socket has a type that JSON cannot fill"):
        read_parameters(handler, "a:work")


class Progressing(Protocol):
    """What some handlers need of a context."""

    def progress(self, fraction: float, message: str = "") -> None: ...


def _annotated(annotation: Any) -> Callable[..., Any]:
    def handler(first, n=1): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202

    handler.__annotations__ = {"first": annotation}
    return handler


@pytest.mark.parametrize("annotation", [int, str, dict, list[int], dict[str, Any], int | None, Order, "int"])
def test_a_handler_whose_first_parameter_is_no_context_is_refused_with_the_fix(annotation: Any) -> None:
    with pytest.raises(ConfigurationError, match="receives the LordContext, but first") as refused:
        read_parameters(_annotated(annotation), "a:work")
    assert refused.value.hint == "write: def handler(ctx: LordContext, first, n)"


@pytest.mark.parametrize(
    "annotation",
    [
        *(LordContext, Any, object, Progressing, LordContext | None, Annotated[LordContext, "it"], "LordContext"),
        *("Unknown", "questline.LordContext", TypeVar("T")),
    ],
)
def test_a_first_parameter_that_may_be_a_context_is_taken_for_one(annotation: Any) -> None:
    def handler(first): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202

    handler.__annotations__ = {"first": annotation}
    assert read_parameters(handler, "a:work") == ()


def test_a_method_is_refused_with_the_fix() -> None:
    class Lords:
        def work(self, ctx: LordContext, n: int) -> None: ...

    with pytest.raises(ConfigurationError, match="receives the LordContext, but self") as refused:
        read_parameters(Lords.work, "a:work")
    assert refused.value.hint == "write: def work(ctx: LordContext, n)"
