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
from questline_persistence.search import Query, fts5_match, fts5_text, scope_token
from questline_persistence.writes import Words

_REMOVE = "DELETE FROM memory_texts WHERE kind = :kind AND ref_id = :row_id RETURNING text_id"
_REMOVE_WORDS = "DELETE FROM memory_tokens WHERE rowid = :text_id"
_ADD = """INSERT INTO memory_texts (namespace, key_prefix, kind, ref_id)
  VALUES (:namespace, :key_prefix, :kind, :row_id) RETURNING text_id"""
_ADD_WORDS = "INSERT INTO memory_tokens (rowid, tokens) VALUES (:text_id, :tokens)"

_TEXTS = table("memory_texts", column("text_id"), column("kind"), column("ref_id"))
_WORDS = table("memory_tokens", column("rowid"), column("tokens"))


def remove(connection: Connection, kind: str, row_id: int) -> None:
    """Remove a row's words.

    Parameters:
      kind: the row's table.
      row_id: its id there.
    """
    for (text_id,) in execute(connection, _REMOVE, {"kind": kind, "row_id": row_id}):
        execute(connection, _REMOVE_WORDS, {"text_id": text_id})


def add(connection: Connection, kind: str, row_id: int, scope: tuple[str, str], tokens: Sequence[str]) -> None:
    """Add a row's words, which has none yet.

    Parameters:
      kind: the row's table.
      row_id: its id there.
      scope: its namespace and key prefix.
      tokens: the words.
    """
    values = {"namespace": scope[0], "key_prefix": scope[1], "kind": kind, "row_id": row_id}
    ((text_id,),) = execute(connection, _ADD, values)
    execute(connection, _ADD_WORDS, {"text_id": text_id, "tokens": fts5_text(scope_token(*scope, kind), tokens)})


def add_texts(connection: Connection, kind: str, rows: Sequence[Words]) -> None:
    """Add the words of rows that have none."""
    for row in rows:
        add(connection, kind, row.row_id, (row.namespace, row.prefix), row.tokens)


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
