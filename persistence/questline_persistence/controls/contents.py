"""What versions and entries say, read to be written anew; and the order in which rows are locked that hold them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, select

from questline_persistence.dialects import Dialect, codec_of, dialect_of
from questline_persistence.kinds import KEY, Entries, Versioned
from questline_persistence.payload import Limit, decode, encode
from questline_persistence.schema import BODY_WRITE, fetched, first, is_key, memory_texts, same_key, table_of, tables_of
from questline_persistence.writes import Key, Words, tokens_of

#: How many entries are read at a time whose words are to be added.
PAGE = 500
#: What was stored once was small enough then.
_ANY = Limit(2**31)

Columns = dict[str, Any]


def content_of(
    connection: Connection, kind: Versioned, key: Key, version: int | None
) -> tuple[Columns, dict[str, str | None] | None]:
    """Return a version's columns, those that its head has besides included, and its payload; None without one."""
    versions = tables_of(kind).versions
    bodies = versions.alias("bodies")
    body = and_(same_key(kind, versions, bodies), bodies.c.version == versions.c.body_version)
    shown = (versions.c[name] for name in ("body_version", *kind.both, *kind.version))
    row = first(
        connection,
        select(
            *shown,
            versions.c.namespace,
            *(bodies.c[name] for name in kind.body),
            bodies.c.write_id.label(BODY_WRITE),
        )
        .outerjoin_from(versions, bodies, body)
        .where(*is_key(versions, kind, key), versions.c.version == version),
    )
    if row is None:
        return {}, None
    columns = {name: getattr(row, name) for name in (*kind.both, *kind.version)}
    if row.body_version is None:
        return columns, None
    return columns | _told(kind, row), {name: getattr(row, name) for name in kind.body}


def renamed(kind: Versioned, body: dict[str, str | None], old: str, new: str) -> dict[str, str | None]:
    """Return a payload that tells of its key, as one of another key."""
    text = body[kind.body[0]]
    if not kind.told or text is None:
        return body
    found = decode(text)
    if found.get(kind.key) != old:
        return body
    return {kind.body[0]: encode({**found, kind.key: new}, what=kind.name, limit=_ANY)}


def _told(kind: Versioned, row: Row[Any]) -> Columns:
    """Return the columns of a head that a payload tells of."""
    if not kind.told:
        return {}
    heads, found = tables_of(kind).heads, decode(getattr(row, kind.body[0]))
    said = {name: found[name] for name in kind.told if name in found}
    return {
        name: value
        for name, value in said.items()
        if isinstance(value, heads.c[name].type.python_type) or (value is None and heads.c[name].nullable)
    }


def order_of_keys(rows: Table, name: str, dialect: Dialect) -> tuple[ColumnElement[Any], ...]:
    """Return the order in which everybody locks the keys or entries of a table: by bytes, which is Python's too.

    Parameters:
      rows: the table.
      name: the column of the key's name, or of the entry's id.
      dialect: knows how bytes are compared.
    """
    return tuple(dialect.by_bytes(rows.c[one]) for one in (*KEY, name))


def locked(query: Select[tuple[int]], rows: Table, name: str, dialect: Dialect) -> Select[tuple[int]]:
    """Return a query such that it locks the keys or entries which it finds, in the order of everybody."""
    return query.order_by(*order_of_keys(rows, name, dialect)).with_for_update()


def add_words(connection: Connection, kind: Entries, *where: ColumnElement[bool]) -> None:
    """Add the words of those entries that are there and have none.

    Parameters:
      connection: that of a write transaction.
      kind: the entries' kind, which can be searched.
      where: which entries.
    """
    if not codec_of(connection).indexes:
        return
    entries = table_of(kind)
    there = [entries.c[name].is_(None) for name in ("abandoned_by", "deleted_at")]
    has = select(memory_texts.c.text_id).where(memory_texts.c.kind == kind.table, memory_texts.c.ref_id == entries.c.id)
    shown = (*(entries.c[name] for name in ("id", "write_id", *KEY)), *(entries.c[name] for name in kind.searched))
    query = select(*shown).where(*where, *there, ~has.exists()).order_by(entries.c.id).limit(PAGE)
    while rows := fetched(connection, query):
        words = [Words(row.id, row.namespace, row.key_prefix, tokens_of(kind.searched, row._asdict())) for row in rows]
        dialect_of(connection).add_texts(connection, kind.table, words)
