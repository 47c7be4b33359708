"""What Lords remember, written in a transaction: several writes in the one order, and what an earlier try has made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, and_, select

from questline_persistence.dialects import Dialect, codec_of, driver
from questline_persistence.errors import Conflict
from questline_persistence.schema import first, is_key, table_of, tables_of, within
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
    made: dict[str, Saved | Entered] = {}
    for alike in _runs(in_order(writes)):
        made |= _made(connection, dialect, alike, now)
    return made


def _runs(writes: Iterable[Remembered]) -> Iterator[list[Remembered]]:
    """Yield writes in their order, together where one statement may make several."""
    run: list[Remembered] = []
    for write in writes:
        together = run and isinstance(write, Saves) and isinstance(run[-1], Saves) and write.goes_with(run[-1])
        if run and not together:
            yield run
            run = []
        run.append(write)
    if run:
        yield run


def _made(
    connection: Connection, dialect: Dialect, writes: Sequence[Remembered], now: float
) -> dict[str, Saved | Entered]:
    """Make one write, or several saves; return what came of each, by its `write_id`."""
    made: dict[str, Saved | Entered] = {}
    saves = [write for write in writes if isinstance(write, Saves)]
    for save, saved in zip(saves, dialect.save_all(connection, saves, now=now) if saves else (), strict=True):
        if saved is None:
            raise Moved(save)
        made[save.write_id] = saved
    for write in writes:
        if isinstance(write, Enters):
            made[write.write_id] = dialect.enter(connection, write, now=now)
    return made


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
    row = first(connection, select(entries).where(*where))
    if row is None:
        return None
    if row.deleted_at is not None:
        message = f"there was {write.kind.name} {write.entry_id} once, and it was deleted"
        raise Conflict(message, hint="give it another id, or none")
    if not codec_of(connection).is_fingerprint(row.fingerprint, write.fingerprint):
        message = f"there is {write.kind.name} {write.entry_id} already, and it says something else"
        raise Conflict(message, current=row._asdict(), hint="give it another id, or none")
    return Entered(getattr(row, "seq", None), row.id, row.created_at)
