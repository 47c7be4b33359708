"""What Lords remember, written in a transaction: several writes in the one order, and what an earlier try has made."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, select

from questline_persistence.dialects import Dialect, driver
from questline_persistence.errors import Conflict
from questline_persistence.schema import is_key, table_of, tables_of, within
from questline_persistence.writes import Entered, Enters, Moved, Remembered, Saved, Saves, in_order

#: How far back a version is looked for that an earlier try may have made: others write the same key meanwhile.
LOOK_BACK = 256


def remember(
    connection: Connection, dialect: Dialect, writes: Sequence[Remembered], now: float
) -> dict[str, Saved | Entered]:
    """Make writes in the order in which everybody locks; return what came of each, by its `write_id`.

    Raises:
      Moved: a key is at another version than its save expects.
      IntegrityError: there is an entry of an id already.
    """
    return {write.write_id: _made(connection, dialect, write, now) for write in in_order(writes)}


def _made(connection: Connection, dialect: Dialect, write: Remembered, now: float) -> Saved | Entered:
    if isinstance(write, Enters):
        return dialect.enter(connection, write, now=now)
    saved = dialect.save(connection, write, now=now)
    if saved is None:
        raise Moved(write)
    return saved


def written(connection: Connection, write: Saves) -> Saved | None:
    """Return the version that an earlier try of this write has made; None if none has."""
    heads, versions = tables_of(write.kind)
    query = (
        select(
            *(versions.c.version, versions.c.body_version, heads.c.id),
            *(versions.c.saved_time, versions.c.created_at, heads.c.created_at.label("head_created_at")),
        )
        .join_from(heads, versions, and_(*is_key(versions, write.kind, write.key)))
        .where(
            *is_key(heads, write.kind, write.key),
            versions.c.version > heads.c.version - LOOK_BACK,
            versions.c.write_id == write.write_id,
        )
    )
    rows = driver.fetch(connection, query)
    return Saved(*rows[0]) if rows else None


def entered(connection: Connection, write: Enters) -> Entered | None:
    """Return the entry that is there already with the id and content of this one; None where its id is free.

    Raises:
      Conflict: the entry of this id says something else.
    """
    entries = table_of(write.kind)
    where = [*within(entries, write.namespace, write.prefix), entries.c[write.kind.entry_id] == write.entry_id]
    row = connection.execute(select(entries).where(*where)).first()
    if row is None:
        return None
    if row.deleted_at is not None:
        message = f"there was {write.kind.name} {write.entry_id} once, and it was deleted"
        raise Conflict(message, hint="give it another id, or none")
    if row.fingerprint != write.fingerprint:
        message = f"there is {write.kind.name} {write.entry_id} already, and it says something else"
        raise Conflict(message, current=row._asdict(), hint="give it another id, or none")
    return Entered(getattr(row, "seq", None), row.id, row.created_at)
