"""What Lords remember, forgotten: the row stays as a mark, and nobody finds it any more."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from questline_persistence.clock import rfc3339
from questline_persistence.dialects import Dialect
from questline_persistence.kinds import Entries
from questline_persistence.memory import reading
from questline_persistence.schema import table_of, within
from questline_persistence.writes import Key


def forget(dialect: Dialect, connection: Connection, kind: Entries, key: Key, *, now: float) -> bool:
    """Mark an entry as deleted and remove its words; return whether it was there.

    Parameters:
      dialect: knows where words are kept.
      connection: that of a write transaction.
      kind: what it is.
      key: its id, in its tenant and prefix.
      now: the database's time in epoch seconds.
    """
    entries = table_of(kind)
    own = (*within(entries, key.namespace, key.prefix), entries.c[kind.entry_id] == key.name)
    marked = update(entries).where(*own, *reading.present(entries, now)).values(deleted_at=rfc3339(now))
    if not connection.execute(marked).rowcount:
        return False
    dialect.remove_texts(connection, entries.name, select(entries.c.id).where(*own))
    return True
