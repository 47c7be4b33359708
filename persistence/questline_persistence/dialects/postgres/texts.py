"""The words of what can be searched, on PostgreSQL: a `tsvector` of ours, found by a GIN index."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Select, Text, bindparam, cast, column, delete, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from questline_persistence.search import Query, scope_token, tsquery_text, tsvector_text
from questline_persistence.writes import Words

#: Parts of a statement, which read the id of the row from `head` or from `added`; a text that is written again is the
#: newest.
REMOVED = "DELETE FROM memory_texts t USING {source} WHERE t.kind = :table AND t.ref_id = {source}.id"
KEPT = """INSERT INTO memory_texts AS t (namespace, kind, ref_id, tokens)
  SELECT :namespace, :table, {source}.id, CAST(:tokens AS tsvector) FROM {source}
  ON CONFLICT (kind, ref_id) DO UPDATE SET text_id = excluded.text_id, tokens = excluded.tokens"""

_TEXTS = table(
    "memory_texts", column("text_id"), column("namespace"), column("kind"), column("ref_id"), column("tokens")
)

_ADD = text(
    "INSERT INTO memory_texts (namespace, kind, ref_id, tokens) "
    "VALUES (:namespace, :kind, :ref_id, CAST(:words AS tsvector))"
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
                "kind": kind,
                "ref_id": row.row_id,
                "words": words(kind, row.namespace, row.prefix, row.tokens),
            }
            for row in rows
        ],
    )


def texts_with(query: Query, kind: str, namespace: str, prefix: str) -> Select[tuple[int, int, str]]:
    """Return the query for whose words match: the text's id, the row's id and its words as one text."""
    wanted = bindparam("words", tsquery_text(scope_token(namespace, prefix, kind), query), Text)
    found = _TEXTS.c.tokens.op("@@", is_comparison=True)(cast(wanted, TSQUERY))
    return select(_TEXTS.c.text_id, _TEXTS.c.ref_id, cast(_TEXTS.c.tokens, Text).label("tokens")).where(
        found, _TEXTS.c.kind == kind
    )


def remove_texts(connection: Connection, kind: str, rows: Select[tuple[int]]) -> None:
    """Remove the words of rows, whose ids a query gives."""
    connection.execute(delete(_TEXTS).where(_TEXTS.c.kind == kind, _TEXTS.c.ref_id.in_(rows)))
