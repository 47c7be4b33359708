"""The types of the fields of what Lords remember: what of a text, a number or a structure every store can keep."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from questline_persistence.arguments import MAX_KEY, flaw_of
from questline_persistence.errors import InvalidRecord

#: The largest number of a column of 32 bits.
_LARGEST = 2**31 - 1
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


def _in_our_letters(value: Any) -> Any:
    """Return the value of an enumeration that is written as another language writes it: `InProgress`, `IN_PROGRESS`."""
    return _NEXT_WORD.sub("_", value).lower() if isinstance(value, str) else value


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
Number = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
#: A JSON object or list. Whether it is JSON down to its leaves is seen when it is written.
Structure = Annotated[dict[str, Any] | list[Any], PlainValidator(_structure)]
#: What stands before an enumeration, so that it also takes names as other languages write them.
ANY_LETTERS = BeforeValidator(_in_our_letters)
