"""The types of the fields of what Lords remember: what of a text, a number or a structure every store can keep."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, PlainValidator

from questline_persistence.arguments import LARGEST_NUMBER, MAX_KEY, flaw_of
from questline_persistence.errors import InvalidRecord
from questline_persistence.payload import shortened
from questline_persistence.states import ActorType, ContextStatus, TaskStatus

_E = TypeVar("_E", bound=StrEnum)

#: Where one word of a name ends and the next begins, as in `InProgress`.
_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _refuse(value: str, *, least: int = 0, most: int | None = None) -> str:
    if flaw := flaw_of(value, least=least, most=most):
        raise InvalidRecord(flaw[0], hint=flaw[1])
    return value


def _free(value: str) -> str:
    """Return a text as it is, unless a store could not keep it."""
    return _refuse(value)


def _short(value: str) -> str:
    """Return a text as it is, unless it is too long to be found by."""
    return _refuse(value, most=MAX_KEY)


def _key(value: str) -> str:
    """Return a key as it is, unless it can be none."""
    return _refuse(value, least=1, most=MAX_KEY)


def _member(kind: type[_E], value: object) -> _E:
    """Return the member of an enumeration, also if it is written as elsewhere: `InProgress`, `IN_PROGRESS`."""
    for member in kind:
        if isinstance(value, str) and _NEXT_WORD.sub("_", value).lower() == member:
            return member
    raise InvalidRecord(f"it is {' or '.join(kind)}, not {shortened(value)}")


def _structure(value: Any) -> Any:
    if not isinstance(value, dict | list):
        raise InvalidRecord(f"it is an object or a list, not {type(value).__name__}")
    return value


#: Any text.
FreeText = Annotated[str, AfterValidator(_free)]
#: A text that things are found by.
ShortText = Annotated[str, AfterValidator(_short)]
#: A key.
KeyText = Annotated[str, AfterValidator(_key)]
#: A whole number of 32 bits.
Number = Annotated[int, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
#: A JSON object or list. Whether it is JSON down to its leaves is seen when it is written.
Structure = Annotated[dict[str, Any] | list[Any], PlainValidator(_structure)]
#: Enumerations, for which their values may be written as text.
AnyActorType = Annotated[ActorType | str, PlainValidator(partial(_member, ActorType))]
AnyTaskStatus = Annotated[TaskStatus | str, PlainValidator(partial(_member, TaskStatus))]
AnyContextStatus = Annotated[ContextStatus | str, PlainValidator(partial(_member, ContextStatus))]
