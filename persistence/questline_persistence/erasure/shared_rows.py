"""What quests have written to what others share, emptied: what was counted stays counted, and says nothing any more.

Versions keep their numbers, and entries of streams theirs, so that nobody who has seen them is misled. A key whose
present version is of one of the quests is deleted, by a version of its own, and can be saved anew. Lessons go as a
whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, Text, delete, or_, select, tuple_, update

from questline_persistence.clock import rfc3339
from questline_persistence.controls import locked
from questline_persistence.dialects import dialect_of
from questline_persistence.journal import remember
from questline_persistence.kinds import ENTRIES, KEY, VERSIONED, Entries, Versioned
from questline_persistence.schema import of_keys, table_of, tables_of
from questline_persistence.writes import Key, Op, Saves

#: Texts that stay: they are keys, or one of a few words.
_KEPT = {"status", "started_at", "ended_at", *(kind.key for kind in VERSIONED)}


def empty_shared(connection: Connection, quest_ids: Sequence[str], *, now: float) -> Counter[str]:
    """Empty the versions and entries that steps of quests have written; return how many of each table.

    Parameters:
      connection: a transaction that has locked the quests' rows, and removed what was their own.
      quest_ids: the quests.
      now: the database's time in epoch seconds.
    """
    emptied: Counter[str] = Counter()
    heads = [(kind, row) for kind in VERSIONED for row in _lock_heads(connection, kind, quest_ids)]
    for kind, key in heads:
        emptied[kind.versions] += _empty_versions(connection, kind, key, quest_ids, now)
    for entries in ENTRIES:
        emptied[entries.table] += _empty_entries(connection, entries, quest_ids, now)
    return emptied


def _lock_heads(connection: Connection, kind: Versioned, quest_ids: Sequence[str]) -> list[Key]:
    """Lock the heads of the keys of which quests have written a version, in the order of everybody."""
    heads, versions = tables_of(kind)
    written = select(heads.c.id).where(of_keys(kind, heads, versions, versions.c.quest_id.in_(quest_ids)))
    ids = [row.id for row in connection.execute(locked(written, heads, kind.key, dialect_of(connection)))]
    names = (*KEY, kind.key)
    rows = connection.execute(
        select(*(heads.c[name] for name in names)).where(heads.c.id.in_(ids)).order_by(heads.c.id)
    )
    return [Key(*row) for row in rows]


def _empty_versions(connection: Connection, kind: Versioned, key: Key, quest_ids: Sequence[str], now: float) -> int:
    """Empty the versions of a key that quests have written, and those that point at them; its head is locked."""
    heads, versions = tables_of(kind)
    names = (*KEY, kind.key)
    same = tuple_(*(versions.c[name] for name in names)) == tuple_(*key)
    bodies = select(versions.c.version).where(
        same, versions.c.quest_id.in_(quest_ids), versions.c.body_version == versions.c.version
    )
    found, own = list(connection.execute(bodies).scalars()), None
    if not found:
        return 0
    head = tuple_(*(heads.c[name] for name in names)) == tuple_(*key)
    if connection.execute(select(heads.c.body_version).where(head)).scalar() in found:
        remember(connection, dialect_of(connection), [Saves(kind, key, Op.DELETE)], now)
        if said := _nothing(heads, (*kind.both, *kind.head)):
            connection.execute(update(heads).where(head).values(said))
        own = _newest(connection, heads, head)
    nothing = {"op": Op.DELETE.value, "body_version": None, "fingerprint": None}
    nothing |= _nothing(versions, (*kind.both, *kind.body))
    theirs = or_(versions.c.body_version.in_(found), versions.c.version == own)
    emptied = connection.execute(update(versions).where(same, theirs).values(nothing)).rowcount
    return emptied - (own is not None)  # the version that says of the key that it is deleted was not theirs


def _newest(connection: Connection, heads: Table, head: ColumnElement[bool]) -> int:
    return int(connection.execute(select(heads.c.version).where(head)).scalar_one())


def _nothing(of: Table, columns: Sequence[str]) -> dict[str, str | None]:
    """Return what columns hold that say nothing any more: all texts but keys, and words of ours such as a status."""
    texts = (name for name in columns if isinstance(of.c[name].type, Text) and name not in _KEPT)
    return {name: None if of.c[name].nullable else "" for name in texts}


def _empty_entries(connection: Connection, kind: Entries, quest_ids: Sequence[str], now: float) -> int:
    """Remove entries that quests have written; those of a stream stay as deleted ones that say nothing."""
    rows = table_of(kind)
    theirs = rows.c.quest_id.in_(quest_ids)
    connection.execute(locked(select(rows.c.id).where(theirs), rows, kind.entry_id, dialect_of(connection)))
    dialect_of(connection).remove_texts(connection, kind.table, select(rows.c.id).where(theirs))
    if kind.stream is None:
        return connection.execute(delete(rows).where(theirs)).rowcount
    nothing = _nothing(rows, kind.body)
    emptied = update(rows).where(theirs).values(**nothing, fingerprint="", deleted_at=rfc3339(now))
    return connection.execute(emptied).rowcount
