"""What Lords remember for one quest, as plain data: the keys that are its own, and lessons that its steps have written.

What quests share is nobody's own, and stays where it is; lessons are for other quests, too, and so go along as copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from questline_persistence.controls import add_words, content_of
from questline_persistence.dialects import dialect_of
from questline_persistence.errors import QuestConflict
from questline_persistence.kinds import KEY, MEMORIES, VERSIONED, Versioned, entries_of
from questline_persistence.moving.quest_rows import QuestRow, read
from questline_persistence.schema import of_keys, table_of, tables_of
from questline_persistence.writes import Key, Words, tokens_of

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
        connection.execute(_INSERTS[table], new)


def _is_known(connection: Connection, row: dict[str, Any]) -> bool:
    """Return whether a lesson is there already."""
    names = (*KEY, MEMORIES.entry_id)
    same = select(LESSONS.c.fingerprint).where(*(LESSONS.c[name] == row[name] for name in names))
    found = connection.execute(same).scalar()
    if found not in {None, row["fingerprint"]}:
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
        if kind.searched:
            _index_heads(connection, kind, quest_id)
        for entries in entries_of(kind):
            if entries.searched:
                add_words(connection, entries, of_keys(kind, table_of(entries), heads, own))
    add_words(connection, MEMORIES, LESSONS.c.quest_id == quest_id)


def _index_heads(connection: Connection, kind: Versioned, quest_id: str) -> None:
    heads = tables_of(kind).heads
    there = (heads.c.owner == quest_id, heads.c.body_version.is_not(None), heads.c.deleted_at.is_(None))
    for row in connection.execute(select(heads).where(*there)).all():
        key = Key(row.namespace, row.key_prefix, getattr(row, kind.key))
        columns, body = content_of(connection, kind, key, row.version)
        found = tokens_of(kind.searched, {**row._asdict(), **columns, **(body or {})})
        words = [Words(row.id, row.namespace, row.key_prefix, found)]
        dialect_of(connection).add_texts(connection, kind.heads, words)
