"""The JSON form of values that are none themselves, but that a handler's annotation reads back, as Pydantic writes it.

What has no such form is told by its place, as in `output.items[3].when`.
"""

from __future__ import annotations

import math
from dataclasses import is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import GeneratorType
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from questline_persistence.errors import message_of
from questline_persistence.payload.model_form import model_form
from questline_persistence.payload.no_json_form import KEY_HINT, NoJsonForm, cut, not_finite

#: What Pydantic writes; a datetime is a date. Not a set: it has no order, and would come back in another each time.
_WRITTEN = (BaseModel, date, time, timedelta, Decimal, UUID, Path)
_HINTS: dict[type, str] = {
    set: "use a list instead, such as sorted(…): a set has no order",
    frozenset: "use a list instead, such as sorted(…): a set has no order",
    bytes: "write it as text, such as base64.b64encode(…).decode()",
    GeneratorType: "use a list instead: list(…)",
}
_HINT = "use dict, list, str, int, float, bool, None, a Pydantic model, a dataclass, datetime, Decimal, UUID or Enum"


def json_form(value: Any, path: str) -> Any:
    """Return `value` made of dict, list, str, int, float, bool and None alone.

    Parameters:
      value: nested no deeper than Python may call.
      path: where it stands.

    Raises:
      NoJsonForm: it, or something in it, has none.
    """
    match value:
        case dict():
            return {_key(key, path): json_form(item, f"{path}.{key}") for key, item in value.items()}
        case list() | tuple():
            return [json_form(item, f"{path}[{index}]") for index, item in enumerate(value)]
        case str():
            return _text(value, path)
        case None | bool() | orjson.Fragment():  # a fragment is JSON text already
            return value
        case int() | float():
            return _number(value, path)
    return json_form(_written(value, path), path)


def _number(number: float, path: str) -> float:
    if isinstance(number, int):
        return int(number)
    if not math.isfinite(number):
        raise not_finite(number, path)
    return float(number)


def _written(value: Any, path: str) -> Any:
    """Return what Pydantic writes for a value of a type that it reads back."""
    if isinstance(value, Enum):
        return value.value
    written = isinstance(value, _WRITTEN) or (is_dataclass(value) and not isinstance(value, type))
    if not written:
        hint = next((hint for kind, hint in _HINTS.items() if isinstance(value, kind)), _HINT)
        raise NoJsonForm(f"{cut(path)} is of type {type(value).__qualname__}", hint)
    try:
        return model_form(value, path)
    except NoJsonForm:
        raise
    except Exception as error:  # a model's own serializers may raise anything
        message = f"{cut(path)} is a {type(value).__qualname__} that Pydantic cannot write: {message_of(error)}"
        raise NoJsonForm(message, _HINT) from error


def _key(key: Any, path: str) -> str:
    if type(key) is not str:
        message = f"the key {cut(repr(key))} is {type(key).__name__}, not str, in {cut(path)}"
        raise NoJsonForm(message, KEY_HINT)
    return _text(key, path)


def _text(text: str, path: str) -> str:
    plain = str.__str__(text)
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise NoJsonForm(f"the text in {cut(ascii(path))} holds half of a surrogate pair") from None
    return plain
