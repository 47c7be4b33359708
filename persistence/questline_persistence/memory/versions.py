"""The versions that callers expect, and what they are told where another one, or another entry, is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from questline_persistence.arguments import LARGEST_NUMBER, whole
from questline_persistence.errors import Conflict


def version_of(expected_version: object) -> int | None:
    """Return the version that a caller expects, or None.

    Raises:
      PayloadError: it is none.
    """
    return (
        None if expected_version is None else whole(expected_version, "expected_version", least=0, most=LARGEST_NUMBER)
    )


def conflict(expected: int | None, current: Any) -> Conflict:
    """Return the error that another version is there than was expected, or none.

    Parameters:
      expected: the version that was expected.
      current: the record as it is now, with its version; None where there is none.
    """
    found = "nothing is there now" if current is None else f"it is at version {current.version}"
    return Conflict(f"{found}; version {expected} was expected", current=current, expected=expected)


@contextmanager
def conflicts_as(record: Callable[[Any], Any]) -> Iterator[None]:
    """Have a conflict with an entry that is there already hold it as a record.

    Parameters:
      record: makes it of the entry's columns.
    """
    try:
        yield
    except Conflict as error:
        if error.current is None:
            raise
        raise Conflict(error.message, current=record(SimpleNamespace(**error.current)), hint=error.hint) from None
