"""Rows of the store as records: what every record says of its version."""

from __future__ import annotations

from typing import Any, TypeVar

from questline_persistence.memory.models import origin_of
from questline_persistence.models import Record
from questline_persistence.writes import Saved

R = TypeVar("R", bound=Record)


def taken(row: Any, *names: str) -> dict[str, Any]:
    """Return some columns of a row, or fields of a record."""
    return {name: getattr(row, name) for name in names}


def version_fields(row: Any) -> dict[str, Any]:
    """Return what a record of something versioned says of its version.

    Parameters:
      row: a head with its present version, or an older version.
    """
    first = getattr(row, "head_created_at", None)
    return {
        "version": row.version,
        "origin": origin_of(row),
        "created_at": row.created_at if first is None else first,
        "updated_at": row.updated_at if first is None else row.created_at,
        "deleted_at": getattr(row, "deleted_at", None),
    }


def saved_as(record: R, saved: Saved) -> R:
    """Return a record as it is saved now."""
    times = {"created_at": saved.head_created_at, "updated_at": saved.created_at, "deleted_at": None, "origin": None}
    return record.model_copy(update={"version": saved.version, **times})
