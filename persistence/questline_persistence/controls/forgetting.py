"""What goes with a quest of what Lords remember: all that is its own. What quests share stays, with its origin.

Heads are locked first, by table and key, as whoever writes them locks them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, delete, select

from questline_persistence.controls.contents import locked
from questline_persistence.controls.traces import kept_by
from questline_persistence.dialects import dialect_of
from questline_persistence.kinds import VERSIONED, Versioned, entries_of
from questline_persistence.schema import of_keys, table_of, tables_of


def forget_own(connection: Connection, quest_ids: Sequence[str]) -> Counter[str]:
    """Remove the keys that are quests' own, with their versions, entries and words; heads are locked in their order.

    Returns how many rows of each table that were.

    Parameters:
      connection: a transaction that has locked the quests' rows.
      quest_ids: the quests.
    """
    kept = kept_by(connection, quest_ids)
    kinds = [kind for kind in VERSIONED if kind.heads in kept]
    for kind in kinds:
        heads = tables_of(kind).heads
        own = select(heads.c.id).where(heads.c.owner.in_(quest_ids))
        connection.execute(locked(own, heads, kind.key, dialect_of(connection)))
    removed: Counter[str] = Counter()
    for kind in kinds:
        _forget(connection, kind, quest_ids, removed)
    return removed


def _forget(connection: Connection, kind: Versioned, quest_ids: Sequence[str], removed: Counter[str]) -> None:
    heads, versions = tables_of(kind)
    own = heads.c.owner.in_(quest_ids)
    for entries in map(table_of, entries_of(kind)):
        removed[entries.name] += _remove(connection, entries, of_keys(kind, entries, heads, own))
    gone = connection.execute(delete(versions).where(of_keys(kind, versions, heads, own)))
    removed[versions.name] += gone.rowcount
    removed[heads.name] += _remove(connection, heads, own)


def _remove(connection: Connection, rows: Table, which: ColumnElement[bool]) -> int:
    """Remove rows of a table, and their words; return how many these were."""
    dialect_of(connection).remove_texts(connection, rows.name, select(rows.c.id).where(which))
    return connection.execute(delete(rows).where(which)).rowcount
