"""What Lords remember, removed for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from questline_persistence.clock import rfc3339
from questline_persistence.dialects import Dialect
from questline_persistence.kinds import Versioned, entries_of
from questline_persistence.memory.reading import anything_left
from questline_persistence.schema import is_key, moved_on, table_of, tables_of, within
from questline_persistence.writes import Key


def purge(
    dialect: Dialect,
    connection: Connection,
    kind: Versioned,
    key: Key,
    *,
    now: float,
    where: Sequence[ColumnElement[bool]] = (),
    along: Sequence[Versioned] = (),
) -> bool:
    """Remove a key's versions, entries and words, and empty its head; return whether there was anything.

    The head comes first, since it is the lock by which others add to the key. It stays, one version further on, and
    goes on counting its entries, so that no number of a version or of an entry ever comes twice: whoever reads on
    behind the last entry that was there misses none. Whoever purges several keys takes them in the order of their
    heads.

    Parameters:
      dialect: knows where words are kept.
      connection: that of a write transaction.
      kind: what it is.
      key: its key.
      now: the database's time in epoch seconds.
      where: further conditions on the head.
      along: kinds whose heads name this key, and go with it.
    """
    heads, versions = tables_of(kind)
    emptied = update(heads).where(*is_key(heads, kind, key), anything_left(kind), *where).values(_empty(kind, now))
    if not connection.execute(emptied).rowcount:
        return False
    connection.execute(delete(versions).where(*is_key(versions, kind, key)))
    dialect.remove_texts(connection, kind.heads, select(heads.c.id).where(*is_key(heads, kind, key)))
    for entries in map(table_of, entries_of(kind)):
        own = is_key(entries, kind, key)
        dialect.remove_texts(connection, entries.name, select(entries.c.id).where(*own))
        connection.execute(delete(entries).where(*own))
    for other in along:
        names_it = tables_of(other).heads.c[kind.key] == key.name
        for one in _keys_in_order(connection, other, key, names_it):
            purge(dialect, connection, other, one, now=now, where=[names_it])
    return True


def _keys_in_order(connection: Connection, kind: Versioned, scope: Key, where: ColumnElement[bool]) -> Iterator[Key]:
    """Yield the keys of a tenant and prefix whose heads fulfil a condition, in the order in which everybody locks."""
    heads = tables_of(kind).heads
    found = connection.execute(select(heads.c[kind.key]).where(*within(heads, *scope[:2]), where)).scalars().all()
    yield from (scope._replace(name=name) for name in sorted(found, key=str.encode))


def _empty(kind: Versioned, now: float) -> dict[str, Any]:
    """Return the columns of a head behind which there is nothing."""
    heads = tables_of(kind).heads
    told = [name for name in (*kind.both, *kind.head) if heads.c[name].nullable]
    none = ("body_version", "fingerprint", "expires_time", *told)
    return {
        **dict.fromkeys(none),
        "version": heads.c.version + 1,
        "purged_to": heads.c.version + 1,
        "deleted_at": rfc3339(now),
        **moved_on(heads, now),
    }
