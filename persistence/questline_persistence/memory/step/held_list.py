"""A list as a running step sees it: what is committed, and what the step itself holds back.

What the step has written comes where the newest things come: first in a list that begins with the newest, last in one
that begins with the oldest. So nothing moves while pages are read, nothing is told twice, and nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from questline_persistence.memory.kept import Page
from questline_persistence.pages import cursor_behind, place_of
from questline_persistence.schema import table_of
from questline_persistence.writes import Enters

#: Returns a page of what is committed: at most so many, behind a cursor.
Committed = Callable[[int, str | None], Page]


def entry_row(write: Enters) -> SimpleNamespace:
    """Return the row that an entry will be, as far as that is known: it has no number yet, and no time."""
    kind, unknown = write.kind, dict.fromkeys(table_of(write.kind).columns.keys())
    own = {"namespace": write.namespace, "key_prefix": write.prefix, kind.entry_id: write.entry_id}
    stream = {} if kind.stream is None else {kind.stream.of.key: write.stream}
    return SimpleNamespace(**unknown | dict(write.columns) | own | stream)


def joined_page(
    held: Sequence[Any], committed: Committed, *, of: object, limit: int, cursor: str | None, newest_first: bool
) -> Page:
    """Return a page of what is committed and what is held back.

    Parameters:
      held: the rows that are held back, in the order in which they were written.
      committed: returns pages of the other rows.
      of: what the list is of, by which its cursors are known.
      limit: at most this many rows.
      cursor: the `next_cursor` of the page before.
      newest_first: whether the list begins with the newest.

    Raises:
      PayloadError: no page of this list has given the cursor.
    """
    told, behind = (0, None) if cursor is None else place_of(cursor, ("within a step", of), 2)

    def ending(rows: Sequence[Any], told: int, behind: str | None, *, more: object) -> Page:
        return Page(rows, cursor_behind(("within a step", of), (told, behind)) if more else None)

    if newest_first:
        shown = held[::-1][told : told + limit]
        told += len(shown)
        if len(shown) == limit:
            return ending(shown, told, behind, more=told < len(held) or committed(1, behind).rows)
        page = committed(limit - len(shown), behind)
        return ending([*shown, *page.rows], told, page.next_cursor, more=page.next_cursor)
    page = Page([], None) if cursor is not None and behind is None else committed(limit, behind)
    if page.next_cursor is not None:
        return ending(page.rows, 0, page.next_cursor, more=True)
    shown = held[told : told + limit - len(page.rows)]
    told += len(shown)
    return ending([*page.rows, *shown], told, None, more=told < len(held))
