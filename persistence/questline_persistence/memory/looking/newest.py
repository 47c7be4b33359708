"""What was added last, of any kind, whoever it belongs to."""

from __future__ import annotations

from sqlalchemy import ColumnElement

from questline_persistence.kinds import Entries, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE, Kept, Page
from questline_persistence.schema import within


def newest(
    kept: Kept,
    kind: Versioned | Entries,
    *,
    limit: int = PAGE,
    cursor: str | None = None,
    **wanted: object,
) -> Page:
    """Return what is there of a kind, newest first, a page at a time.

    Parameters:
      kept: where it is kept.
      kind: what it is.
      limit: at most this many, 1 to 1,000.
      cursor: the `next_cursor` of the page before.
      wanted: what columns must be, by their names; None means anything.

    Raises:
      PayloadError: a limit out of range, or a cursor that no page of this list has given.
    """
    of, rows = reading.of_kind(kind)
    chosen = {name: value for name, value in sorted(wanted.items()) if value is not None}
    own: list[ColumnElement[bool]] = [*within(of, kept.namespace, kept.prefix)]
    own += [of.c[name] == value for name, value in chosen.items()]
    return kept.page(
        lambda now: rows.where(*own, *reading.present(of, now)),
        (of.c.id,),
        of=("newest", kind.name, chosen),
        limit=limit,
        cursor=cursor,
    )
