"""The words of what can be searched, on SQLite: an FTS5 table beside the table that says whose words they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    column,
    delete,
    literal_column,
    select,
    table,
    text,
)

from questline_persistence.dialects.driver import execute
from questline_persistence.dialects.sqlite.rows import MAX_ROWS, insert, with_rows
from questline_persistence.search import Query, fts5_match, fts5_text, scope_token
from questline_persistence.writes import Words

_REMOVE = "DELETE FROM memory_texts WHERE kind = ? AND ref_id IN {rows} RETURNING text_id"
_REMOVE_WORDS = "DELETE FROM memory_tokens WHERE rowid IN {rows}"
_ADD = "INSERT INTO memory_texts (namespace, key_prefix, kind, ref_id) VALUES {rows} RETURNING ref_id, text_id"
_ADD_WORDS = "INSERT INTO memory_tokens (rowid, tokens) VALUES {rows}"

_TEXTS = table("memory_texts", column("text_id"), column("kind"), column("ref_id"))
_WORDS = table("memory_tokens", column("rowid"), column("tokens"))


def remove(connection: Connection, kind: str, row_ids: Sequence[int]) -> None:
    """Remove the words of rows, of those that have any.

    Parameters:
      kind: the rows' table.
      row_ids: their ids there.
    """
    for start in range(0, len(row_ids), MAX_ROWS):
        part = row_ids[start : start + MAX_ROWS]
        found = execute(connection, with_rows(_REMOVE, len(part), 1), [kind, *part])
        if found:
            execute(connection, with_rows(_REMOVE_WORDS, len(found), 1), [text_id for (text_id,) in found])


def add_texts(connection: Connection, kind: str, rows: Sequence[Words]) -> None:
    """Add the words of rows that have none."""
    given = [{"namespace": row.namespace, "key_prefix": row.prefix, "kind": kind, "ref_id": row.row_id} for row in rows]
    added: dict[int, int] = dict(insert(connection, _ADD, ("namespace", "key_prefix", "kind", "ref_id"), given))
    words = [
        {"text_id": added[row.row_id], "tokens": fts5_text(scope_token(row.namespace, row.prefix, kind), row.tokens)}
        for row in rows
    ]
    insert(connection, _ADD_WORDS, ("text_id", "tokens"), words)


def texts_with(query: Query, kind: str, namespace: str, prefix: str) -> Select[Any]:
    """Return the query for whose words match: the text's id, the row's id and its words as one text."""
    found = text("memory_tokens MATCH :words").bindparams(words=fts5_match(scope_token(namespace, prefix, kind), query))
    rows = _WORDS.join(_TEXTS, _TEXTS.c.text_id == _WORDS.c.rowid)
    told: list[ColumnElement[Any]] = [
        literal_column("memory_tokens.rowid").label("text_id"),
        _TEXTS.c.ref_id,
        _WORDS.c.tokens,
    ]
    return select(*told).select_from(rows).where(found, _TEXTS.c.kind == kind)


def newest_first(texts: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Return what the texts of a query are ordered by to have the newest first: the order of the index of words.

    Parameters:
      texts: what `texts_with` finds.
    """
    return (texts.c.text_id.desc(),)


def remove_texts(connection: Connection, kind: str, rows: Select[tuple[int]]) -> None:
    """Remove the words of rows, whose ids a query gives."""
    own = (_TEXTS.c.kind == kind, _TEXTS.c.ref_id.in_(rows))
    connection.execute(delete(_WORDS).where(_WORDS.c.rowid.in_(select(_TEXTS.c.text_id).where(*own))))
    connection.execute(delete(_TEXTS).where(*own))
