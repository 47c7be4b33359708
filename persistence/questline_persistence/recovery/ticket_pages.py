"""Changes many tickets, a page in each transaction: as many as there are, and yet no long one.

Each ticket is looked at once, whatever others do to it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, select, tuple_, update

from questline_persistence.dialects import Dialect, changed_rows
from questline_persistence.schema import order_of_locks, tickets

#: Most tickets that one transaction changes, where the loops change many.
PAGE = 1_000
#: How many tickets of a page were changed, and the quest behind which the next page begins; None after the last one.
Changed: TypeAlias = tuple[int, str | None]


class TicketPages:
    """The tickets of one namespace, in pages by their quests' ids.

    Parameters:
      dialect: the store's.
      namespace: the tenant.
    """

    def __init__(self, dialect: Dialect, namespace: str) -> None:
        self._dialect = dialect
        self._ours = tickets.c.namespace == namespace

    def change(
        self,
        connection: Connection,
        *,
        found: ColumnElement[bool],
        still: ColumnElement[bool],
        values: dict[str, Any],
        after: str,
    ) -> Changed:
        """Change the tickets of one page.

        One that somebody has locked is left out: whoever changes it rings for it, or the next look finds it; waited
        for, it would hold up all others.

        Parameters:
          connection: the page's transaction.
          found: leads to the tickets.
          still: is checked on each when it is locked.
          values: the change.
          after: the quest behind which the page begins; "" for the first page.

        Returns:
          How many were changed, and where the next page begins.
        """
        self._dialect.plan_by_keys(connection)
        page = select(tickets.c.quest_id).where(self._ours, found, tickets.c.quest_id > after)
        ids = list(connection.execute(page.order_by(tickets.c.quest_id).limit(PAGE)).scalars())
        if not ids:
            return 0, None
        key = (tickets.c.quest_id, tickets.c.branch)
        locked = (
            select(*key)
            .where(tickets.c.quest_id.in_(ids), self._ours, still)
            .order_by(*order_of_locks(self._dialect))
            .with_for_update(skip_locked=True)
            .cte("locked")
        )
        change = update(tickets).where(tuple_(*key).in_(select(locked)), self._ours, still).values(values)
        changed = changed_rows(connection, connection.execute(change))
        return changed, ids[-1] if len(ids) == PAGE else None


def all_pages(change: Callable[[str], Changed]) -> int:
    """Change page after page; return how many tickets that changed.

    Parameters:
      change: changes the page behind a quest, in a transaction of its own.
    """
    total, after = 0, ""
    while True:
        changed, last = change(after)
        total += changed
        if last is None:
            return total
        after = last
