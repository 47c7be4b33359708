"""A handler's parameters: read from its signature once, filled by name and validated at each call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import to_json

from questline_persistence.errors import ConfigurationError
from questline_worker.lords.context import LordContext
from questline_worker.lords.outcomes import Permanent

_EMPTY = inspect.Parameter.empty
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter that is filled by name; `default` is `inspect.Parameter.empty` when it must be found."""

    name: str
    default: Any
    adapter: TypeAdapter[Any] | None


def read_parameters(function: Callable[..., Any], handler: str) -> tuple[Parameter, ...]:
    """Return the parameters after the first, which receives the context.

    Raises:
      ConfigurationError: no parameter receives the context, one cannot be given by name, or an annotation
        cannot be resolved.
    """
    declared = list(inspect.signature(function).parameters.values())
    if not declared or declared[0].kind not in {_NAMED[0], inspect.Parameter.POSITIONAL_ONLY}:
        raise ConfigurationError(f"the handler of {handler} takes no context", hint=_context_hint(function, declared))
    hints = _hints(function, handler) if len(declared) > 1 else {}
    if not _receives_context(declared[0], hints or _hints_if_any(function)):
        message = f"the first parameter of the handler of {handler} receives the LordContext, but {declared[0]} is none"
        raise ConfigurationError(message, hint=_context_hint(function, declared))
    return tuple(_parameter(item, hints, handler) for item in declared[1:])


def _context_hint(function: Callable[..., Any], declared: Sequence[inspect.Parameter]) -> str:
    name = getattr(function, "__name__", "handler")
    rest = ", ".join(item.name for item in declared if item.name not in {"self", "cls", "ctx", "context"})
    return f"write: def {name}(ctx: LordContext{', ' if rest else ''}{rest})"


def _receives_context(first: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    """Return whether a handler's first parameter may be a context, by its annotation if it has one that is known."""
    if first.annotation is _EMPTY:
        return first.name not in {"self", "cls"}
    return _may_be_context(hints.get(first.name, Any))


def _may_be_context(annotation: Any) -> bool:
    """Return whether an annotation allows a context; what is no plain class is looked into, or taken for one."""
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return any(_may_be_context(inner) for inner in get_args(annotation))
    if annotation is Any or not isinstance(annotation, type):
        return get_origin(annotation) is None  # else it is list[int] or the like
    is_protocol = getattr(annotation, "_is_protocol", False)
    return is_protocol or issubclass(LordContext, annotation) or issubclass(annotation, LordContext)


def _hints_if_any(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a handler, or none where they cannot be resolved: only its context has one."""
    try:
        return get_type_hints(function)
    except Exception:  # noqa: BLE001  (an annotation is an expression, which may raise anything)
        return {}


def _hints(function: Callable[..., Any], handler: str) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        message = f"the handler of {handler} has an annotation that cannot be resolved: {error}"
        raise ConfigurationError(message, hint="import the name at module level, outside of TYPE_CHECKING") from error


def _parameter(item: inspect.Parameter, hints: Mapping[str, Any], handler: str) -> Parameter:
    if item.kind not in _NAMED:
        message = f"the handler of {handler} has the parameter {item}, which cannot be filled by name"
        raise ConfigurationError(message, hint=_unnamed_hint(item))
    annotation = hints.get(item.name, Any)
    try:
        adapter = None if annotation is Any else TypeAdapter(annotation)
    except PydanticUserError as error:
        raise ConfigurationError(
            f"the handler of {handler}: {item.name} has a type that JSON cannot fill: {error}"
        ) from error
    return Parameter(item.name, item.default, adapter)


def _unnamed_hint(item: inspect.Parameter) -> str:
    if item.kind is inspect.Parameter.POSITIONAL_ONLY:
        return f"remove the / behind {item.name}"
    return "name each value that the handler needs, or leave it out and read ctx.params and ctx.input_data"


def fill(parameters: Sequence[Parameter], sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a value for each parameter, from the first source that has its name.

    Raises:
      Permanent: a parameter has no value anywhere, or one of the wrong type; trying again would not help.
    """
    return {parameter.name: _value(parameter, sources) for parameter in parameters}


def _value(parameter: Parameter, sources: Sequence[Mapping[str, Any]]) -> Any:
    for source in sources:
        if parameter.name in source:
            return _validated(parameter, source[parameter.name])
    if parameter.default is _EMPTY:
        places = "the step's params, the quest's input_data and the outputs of earlier Lords"
        raise Permanent(f"the parameter {parameter.name!r} has no value: it is missing in {places}")
    return parameter.default


def _validated(parameter: Parameter, value: Any) -> Any:
    if parameter.adapter is None:
        return value
    try:
        with suppress(ValidationError):
            return parameter.adapter.validate_python(value)
        return parameter.adapter.validate_json(to_json(value))  # a strict type takes its JSON form from JSON alone
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join([parameter.name, *map(str, first["loc"])])
        raise Permanent(f"the parameter {place!r} has a value of the wrong type: {first['msg']}") from None
