"""The words of what can be searched, on PostgreSQL: a `tsvector` of ours, found by a GIN index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    bindparam,
    cast,
    column,
    delete,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from questline_persistence.search import Query, scope_token, tsquery_text, tsvector_text
from questline_persistence.writes import Words

#: Parts of a statement, which read the id of the row from `head` or from `added`; a text that is written again is the
#: newest.
REMOVED = "DELETE FROM memory_texts t USING {source} WHERE t.kind = :table AND t.ref_id = {row}.id"
KEPT = """INSERT INTO memory_texts AS t (namespace, key_prefix, kind, ref_id, tokens)
  SELECT :namespace, :key_prefix, :table, {row}.id, CAST(:tokens AS tsvector) FROM {source}
  ON CONFLICT (kind, ref_id) DO UPDATE SET text_id = excluded.text_id, tokens = excluded.tokens"""

_TEXTS = table("memory_texts", *map(column, ("text_id", "namespace", "key_prefix", "kind", "ref_id", "tokens")))

_ADD = text(
    "INSERT INTO memory_texts (namespace, key_prefix, kind, ref_id, tokens) "
    "VALUES (:namespace, :key_prefix, :kind, :ref_id, CAST(:words AS tsvector))"
)


def words(kind: str, namespace: str, prefix: str, tokens: Sequence[str]) -> str:
    """Return a row's words as they are written.

    Parameters:
      kind: the row's table.
      namespace: the tenant.
      prefix: the key prefix.
      tokens: the words.
    """
    return tsvector_text(scope_token(namespace, prefix, kind), tokens)


def add_texts(connection: Connection, kind: str, rows: Sequence[Words]) -> None:
    """Add the words of rows that have none."""
    connection.execute(
        _ADD,
        [
            {
                "namespace": row.namespace,
                "key_prefix": row.prefix,
                "kind": kind,
                "ref_id": row.row_id,
                "words": words(kind, row.namespace, row.prefix, row.tokens),
            }
            for row in rows
        ],
    )


def texts_with(query: Query, kind: str, namespace: str, prefix: str) -> Select[Any]:
    """Return the query for whose words match: the text's id, the row's id and its words as one text."""
    wanted = bindparam("words", tsquery_text(scope_token(namespace, prefix, kind), query), Text)
    found = _TEXTS.c.tokens.op("@@", is_comparison=True)(cast(wanted, TSQUERY))
    scope = (_TEXTS.c.namespace == namespace, _TEXTS.c.key_prefix == prefix, _TEXTS.c.kind.between(kind, kind))
    told: list[ColumnElement[Any]] = [
        _TEXTS.c.kind,
        _TEXTS.c.text_id,
        _TEXTS.c.ref_id,
        cast(_TEXTS.c.tokens, Text).label("tokens"),
    ]
    return select(*told).where(found, *scope)


def newest_first(texts: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Return what the texts of a query are ordered by to have the newest first.

    A word that many rows have is looked for in the newest of them. PostgreSQL would go through those of all scopes, by
    the primary key, if that had this order: so the order begins with the kind, which is not told to be one alone.

    Parameters:
      texts: what `texts_with` finds.
    """
    return texts.c.kind.desc(), texts.c.text_id.desc()


def remove_texts(connection: Connection, kind: str, rows: Select[tuple[int]]) -> None:
    """Remove the words of rows, whose ids a query gives."""
    connection.execute(delete(_TEXTS).where(_TEXTS.c.kind == kind, _TEXTS.c.ref_id.in_(rows)))
