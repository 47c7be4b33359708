"""What Lords remember for one quest, as plain data: the keys that are its own, and lessons that its steps have written.

What quests share is nobody's own, and stays where it is; lessons are for other quests, too, and so go along as copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, insert, select, text

from questline_persistence.dialects import codec_of
from questline_persistence.errors import QuestConflict
from questline_persistence.kinds import KEY, MEMORIES, VERSIONED, entries_of
from questline_persistence.moving.quest_rows import FETCHED, QuestRow, read
from questline_persistence.moving.words import SEARCHED, add_words
from questline_persistence.schema import of_keys, sealed, table_of, tables_of
from questline_persistence.writes import fingerprint

#: The lessons.
LESSONS = table_of(MEMORIES)
#: The column that names the key, by the tables of heads, of versions and of entries of keys.
KEY_OF = {table.name: kind.key for kind in VERSIONED for table in (*tables_of(kind), *map(table_of, entries_of(kind)))}
#: The kinds by the tables of their heads, and by those of their versions.
HEADS = {kind.heads: kind for kind in VERSIONED}
VERSIONS = {kind.versions: kind for kind in VERSIONED}
#: The column of the id, by the tables of entries.
ENTRY_IDS = {MEMORIES.table: MEMORIES.entry_id} | {
    entries.table: entries.entry_id for kind in VERSIONED for entries in entries_of(kind)
}
_INSERTS = {name: insert(LESSONS.metadata.tables[name]) for name in {*KEY_OF, *ENTRY_IDS}}


def memory_of(connection: Connection, quest_id: str) -> Iterator[QuestRow]:
    """Yield what is kept for a quest: heads, versions and entries of its own keys, and the lessons of its steps.

    Parameters:
      connection: that of a transaction which sees one moment.
      quest_id: the quest.
    """
    for kind in VERSIONED:
        heads, versions = tables_of(kind)
        own = heads.c.owner == quest_id
        yield from read(connection, heads, select(heads).where(own))
        for rows in (versions, *map(table_of, entries_of(kind))):
            yield from read(connection, rows, select(rows).where(of_keys(kind, rows, heads, own)))
    yield from read(connection, LESSONS, select(LESSONS).where(LESSONS.c.quest_id == quest_id))


def insert_memory(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of one table; a lesson that is there already stays as it is.

    Parameters:
      connection: that of a write transaction.
      table: the name of the table.
      rows: the rows.

    Raises:
      QuestConflict: there is another lesson of the same id.
    """
    new = [row for row in rows if not _is_known(connection, row)] if table == LESSONS.name else rows
    if new:
        of = LESSONS.metadata.tables[table]
        connection.execute(_INSERTS[table], [sealed(connection, of, row) for row in new])


def _is_known(connection: Connection, row: dict[str, Any]) -> bool:
    """Return whether a lesson is there already."""
    names = (*KEY, MEMORIES.entry_id)
    same = select(LESSONS.c.fingerprint).where(*(LESSONS.c[name] == row[name] for name in names))
    found = connection.execute(same).scalar()
    digest = fingerprint((None, *(row[name] for name in (*MEMORIES.columns, *MEMORIES.body))))
    if found is not None and not codec_of(connection).is_fingerprint(found, digest):
        raise QuestConflict(f"there is another lesson {row[MEMORIES.entry_id]}", hint="add --new-ids")
    return found is not None


def index_memory(connection: Connection, quest_id: str) -> None:
    """Make what was inserted for a quest found by its words again.

    Parameters:
      connection: that of the transaction that has inserted it.
      quest_id: the quest.
    """
    for kind in VERSIONED:
        heads = tables_of(kind).heads
        own = heads.c.owner == quest_id
        _index(connection, kind.heads, select(heads.c.id).where(own))
        for entries in map(table_of, entries_of(kind)):
            _index(connection, entries.name, select(entries.c.id).where(of_keys(kind, entries, heads, own)))
    _index(connection, LESSONS.name, select(LESSONS.c.id).where(LESSONS.c.quest_id == quest_id))


def _index(connection: Connection, table: str, rows: Select[tuple[int]]) -> None:
    if table in SEARCHED:
        ids = [row.id for row in connection.execute(rows.order_by(text("id")))]
        for start in range(0, len(ids), FETCHED):
            add_words(connection, table, ids[start : start + FETCHED])
