"""Records that callers hand in: they may have been changed since they were made."""

from __future__ import annotations

from typing import TypeVar

from questline_persistence.errors import PayloadError
from questline_persistence.models import KeyedModel

_R = TypeVar("_R", bound=KeyedModel)


def checked(value: object, kind: type[_R]) -> _R:
    """Return a record as it would be if it were made now, in place of the one that a caller hands in.

    Parameters:
      value: the record.
      kind: what it has to be.

    Raises:
      PayloadError: it is no such record, or a field has been set to what it cannot be.
    """
    if not isinstance(value, kind):
        message = f"this takes an object of {kind.__name__}, not {type(value).__name__}"
        raise PayloadError(message, hint=f"make one: {kind.__name__}({next(iter(kind.model_fields))}=…)")
    return type(value)(**dict(value))
