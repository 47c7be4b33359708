"""The versions of a key, as people look at them: how each came about, when, and by which step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from questline_persistence.kinds import Versioned
from questline_persistence.memory.kept import PAGE, Kept
from questline_persistence.memory.models import Listed, StepOrigin, origin_of
from questline_persistence.schema import is_key, tables_of


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a key, without what it holds.

    Parameters:
      version: its number.
      op: how it came about: "save", "status", "delete", "restore", "rewind", "merge", "fork" or "import".
      body_version: the version that it has its content from; None where it is a deletion.
      status: the status that was saved with it; None where the kind keeps none with its versions.
      saved_at: when it was saved.
      origin: the step that wrote it; None outside of steps.
    """

    version: int
    op: str
    body_version: int | None
    status: str | None
    saved_at: str
    origin: StepOrigin | None

    def to_json(self) -> dict[str, Any]:
        """Return the version as plain JSON data."""
        return {
            "version": self.version,
            "op": self.op,
            "body_version": self.body_version,
            "status": self.status,
            "saved_at": self.saved_at,
            "origin": None if self.origin is None else self.origin.to_json(),
        }


def versions(
    kept: Kept, kind: Versioned, name: str, *, limit: int = PAGE, cursor: str | None = None
) -> Listed[VersionView]:
    """Return the versions of a key, newest first, a page at a time; those that a replay has dropped, too.

    Parameters:
      kept: where it is kept.
      kind: what it is.
      name: the key's name.
      limit: at most this many, 1 to 1,000.
      cursor: the `next_cursor` of the page before.

    Raises:
      PayloadError: a limit out of range, or a cursor that no page of this list has given.
    """
    of = tables_of(kind).versions
    told = [column for column in of.c if column.name not in kind.body]
    query = select(*told).where(*is_key(of, kind, kept.key(name)))
    page = kept.page(lambda _: query, (of.c.version,), of=("versions", kind.name, name), limit=limit, cursor=cursor)
    return Listed(map(_view, page.rows), page.next_cursor)


def _view(row: Row[Any]) -> VersionView:
    return VersionView(
        version=row.version,
        op=row.op,
        body_version=row.body_version,
        status=getattr(row, "status", None),
        saved_at=row.created_at,
        origin=origin_of(row),
    )
