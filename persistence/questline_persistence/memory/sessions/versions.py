"""The versions that callers expect, and what they are told where another one is there."""

from __future__ import annotations

from questline_persistence.arguments import whole
from questline_persistence.errors import Conflict
from questline_persistence.memory.models import SessionState, TodoList


def expected(version: object) -> int | None:
    """Return an expected version as it is; None expects none.

    Raises:
      PayloadError: it is none.
    """
    return None if version is None else whole(version, "expected_version", least=0)


def conflict(version: int | None, current: SessionState | TodoList | None) -> Conflict:
    """Return the error that another version is there than was expected, or none."""
    found = "there is none" if current is None else f"it is at version {current.version}"
    return Conflict(f"{found}; version {version} was expected", current=current, expected=version)
