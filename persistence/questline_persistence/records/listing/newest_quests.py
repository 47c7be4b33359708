"""The newest quests of a namespace, in the order of an index: what lists begin with, and recent numbers tell of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from questline_persistence.schema import quests

#: The order of lists: the newest quest first; of those made at the same moment, the one with the highest id.
NEWEST_FIRST = (quests.c.created_at.desc(), quests.c.quest_id.desc())


def newest_quests(
    column: ColumnElement[Any], namespace: str, *conditions: ColumnElement[bool], limit: int
) -> Select[Any]:
    """Return the query for one column of the newest quests of a namespace.

    Parameters:
      column: what is asked of each.
      namespace: the tenant.
      conditions: what else must hold of them.
      limit: at most this many.
    """
    return select(column).where(quests.c.namespace == namespace, *conditions).order_by(*NEWEST_FIRST).limit(limit)
