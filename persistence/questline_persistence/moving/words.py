"""Making rows found by their words that have come from elsewhere: words are not taken along, but made anew."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Table, select

from questline_persistence.controls import content_of
from questline_persistence.dialects import codec_of, dialect_of
from questline_persistence.kinds import ENTRIES, KEY, VERSIONED, Entries, Versioned
from questline_persistence.schema import fetched, memory_texts, table_of, tables_of
from questline_persistence.writes import Key, Words, tokens_of

#: The kinds that can be searched, by the tables whose rows are found.
SEARCHED: dict[str, Versioned | Entries] = {
    **{kind.heads: kind for kind in VERSIONED if kind.searched},
    **{kind.table: kind for kind in ENTRIES if kind.searched},
}


def add_words(connection: Connection, name: str, ids: Sequence[int]) -> None:
    """Add the words of those rows of a table that are there and have none.

    Parameters:
      connection: that of a write transaction.
      name: the name of the table.
      ids: the rows, in the order in which they came to be found; few enough for one statement.
    """
    if not codec_of(connection).indexes:
        return
    kind = SEARCHED[name]
    known = select(memory_texts.c.ref_id).where(memory_texts.c.kind == name, memory_texts.c.ref_id.in_(ids))
    left = set(ids) - set(connection.execute(known).scalars())
    found = _of_heads(connection, kind, left) if isinstance(kind, Versioned) else _of_entries(connection, kind, left)
    if words := [found[row_id] for row_id in ids if row_id in found]:
        dialect_of(connection).add_texts(connection, name, words)


def _of_heads(connection: Connection, kind: Versioned, ids: set[int]) -> dict[int, Words]:
    heads, found = tables_of(kind).heads, dict[int, Words]()
    there = (heads.c.body_version.is_not(None), heads.c.deleted_at.is_(None))
    for row in connection.execute(select(heads).where(heads.c.id.in_(ids), *there)).all():
        key = Key(row.namespace, row.key_prefix, getattr(row, kind.key))
        columns, body = content_of(connection, kind, key, row.version)
        tokens = tokens_of(kind.searched, {**row._asdict(), **columns, **(body or {})})
        found[row.id] = Words(row.id, row.namespace, row.key_prefix, tokens)
    return found


def _of_entries(connection: Connection, kind: Entries, ids: set[int]) -> dict[int, Words]:
    entries: Table = table_of(kind)
    there = [entries.c[name].is_(None) for name in ("abandoned_by", "deleted_at")]
    shown = (entries.c[name] for name in ("id", "write_id", *KEY, *kind.searched))
    rows = fetched(connection, select(*shown).where(entries.c.id.in_(ids), *there))
    return {
        row.id: Words(row.id, row.namespace, row.key_prefix, tokens_of(kind.searched, row._asdict())) for row in rows
    }
