"""What is there of a kind, whoever it belongs to: what was added last, what has some words, and one by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row

from questline_persistence.kinds import Entries, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE, Kept
from questline_persistence.memory.models import Listed, Matches
from questline_persistence.memory.searching import search
from questline_persistence.schema import first

R = TypeVar("R")


def newest(
    kept: Kept,
    kind: Versioned | Entries,
    made: Callable[[Row[Any]], R],
    *,
    limit: int = PAGE,
    cursor: str | None = None,
    **wanted: str | None,
) -> Listed[R]:
    """Return what is there of a kind, newest first, a page at a time.

    Parameters:
      kept: where it is kept.
      kind: what it is.
      made: makes the record of a row.
      limit: at most this many, 1 to 1,000.
      cursor: the `next_cursor` of the page before.
      wanted: what columns must be, by their names; None means anything.

    Raises:
      PayloadError: a limit out of range, or a cursor that no page of this list has given.
    """
    of, rows = reading.of_kind(kind)
    chosen = {name: value for name, value in sorted(wanted.items()) if value is not None}
    own: list[ColumnElement[bool]] = [*kept.rows(of)]
    own += [of.c[name] == value for name, value in chosen.items()]
    stream = kind.stream if isinstance(kind, Entries) else None
    page = kept.page(
        lambda now: rows.where(*own, *reading.present(of, now)),
        (of.c.seq if stream and stream.of.key in chosen else of.c.id,),  # as the index of a stream has it
        of=("newest", kind.name, chosen),
        limit=limit,
        cursor=cursor,
    )
    return Listed(map(made, page.rows), page.next_cursor)


def with_words(
    kept: Kept, kind: Versioned | Entries, made: Callable[[Row[Any]], R], query: str, *, limit: int = PAGE
) -> Matches[R]:
    """Return what has the words of a query, the best first.

    Parameters:
      kept: where it is kept.
      kind: what it is.
      made: makes the record of a row.
      query: words; `"a phrase"`, `pre*`, `-without`.
      limit: at most this many, 1 to 1,000.

    Raises:
      PayloadError: the query is no text, or a limit out of range.
    """
    found = search(kept, kind, query, limit=limit)
    return Matches(map(made, found.rows), newest_only=found.newest_only)


def entry(kept: Kept, kind: Entries, made: Callable[[Row[Any]], R], entry_id: str) -> R | None:
    """Return an entry; None where it is not there.

    Parameters:
      kept: where it is kept.
      kind: what it is.
      made: makes the record of a row.
      entry_id: its id.
    """
    of, rows = reading.of_kind(kind)
    own = (*kept.rows(of), of.c[kind.entry_id] == entry_id)
    row = kept.read(lambda connection, now: first(connection, rows.where(*own, *reading.present(of, now))))
    return None if row is None else made(row)
