"""What people type, looked for in what Lords remember: the same rows in the same order on every store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from questline_persistence.arguments import text, whole
from questline_persistence.dialects import Overtime, Unindexed
from questline_persistence.errors import EncryptionError, PayloadError
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.kept import MAX_PAGE, PAGE, Kept
from questline_persistence.payload import shortened
from questline_persistence.schema import fetched
from questline_persistence.search import Candidate, Query, ranked, read_query

#: Among how many of the newest matches the best are looked for.
MAX_RANKED = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found.

    Parameters:
      rows: the rows, the best first.
      newest_only: whether there were more matches than are ranked, so that the best of the newest are told.
    """

    rows: Sequence[Row[Any]]
    newest_only: bool


def search(
    kept: Kept, kind: Versioned | Entries, typed: str, *, limit: int = PAGE, where: Sequence[ColumnElement[bool]] = ()
) -> Found:
    """Return the rows of a kind that have the words which somebody typed, the best first.

    Only what is committed is found, also in a running step: what the step has written is indexed by its checkpoint.

    Parameters:
      kept: whose rows.
      kind: what they are.
      typed: words; `"a phrase"`, `pre*`, `-without`.
      limit: at most this many, 1 to 1,000.
      where: further conditions on the rows.

    Raises:
      PayloadError: it is no text, a limit out of range, or so many rows have words like these that looking takes long.
    """
    if not 1 <= whole(limit, "limit", most=None) <= MAX_PAGE:
        raise PayloadError(f"limit must be 1 to {MAX_PAGE:,}, not {limit}", hint="search for more words")
    if not kept.database.codec.indexes:
        message = f"what {kind.name}s say is encrypted here, and no word of it is indexed"
        hint = "QUESTLINE_INDEX_ENCRYPTED=1 has the words of what is saved from then on indexed in clear"
        raise EncryptionError(message, hint=hint)
    query = read_query(text(typed, "a query"))
    if query.is_empty:
        return Found([], newest_only=False)
    of, rows = reading.of_kind(kind)
    dialect = kept.database.dialect
    texts = dialect.texts_with(query, of.name, kept.namespace, kept.prefix).subquery("texts")
    told = select(*_told(kind, of), of.c.id, texts.c.tokens).join_from(texts, of, texts.c.ref_id == of.c.id)
    newest: Select[Any] = told.order_by(*dialect.newest_first(texts)).limit(MAX_RANKED + 1)

    def work(connection: Connection, now: float) -> Found:
        dialect.read_briefly(connection)
        visible = (*where, *reading.present(of, now))
        found = connection.execute(newest.where(*kept.rows(of), *visible)).all()
        best = _best(query, found[:MAX_RANKED], dialect.words_of)[:limit]
        # What they say may be large, so it is read of these alone, by their ids: SQLite would read the index of a whole
        # tenant rather than look up a hundred rows.
        own = (Unindexed(of.c.namespace) == kept.namespace, Unindexed(of.c.key_prefix) == kept.prefix, *visible)
        by_id = {row.id: row for row in fetched(connection, rows.where(of.c.id.in_(best), *own))}
        return Found([by_id[row_id] for row_id in best if row_id in by_id], newest_only=len(found) > MAX_RANKED)

    try:
        return kept.read(work, limited=True)
    except Overtime as error:
        message = f"too many {kind.name}s have words like these: looking for {shortened(typed)} takes too long"
        raise PayloadError(message, hint="search for rarer words, or for longer beginnings of words") from error


def _told(kind: Versioned | Entries, of: Table) -> tuple[ColumnElement[Any], ...]:
    """Return by what a row is known, and when it was saved."""
    if isinstance(kind, Versioned):
        return of.c[kind.key].label("name"), of.c.updated_time.label("time")
    return of.c[kind.entry_id].label("name"), of.c.saved_time.label("time")


def _best(query: Query, found: Sequence[Row[Any]], words_of: Callable[[str], Sequence[str]]) -> list[int]:
    """Return the ids of the rows that were found, the best first."""
    ids = {row.name: row.id for row in found}
    candidates = (Candidate(row.name, row.time, words_of(row.tokens)) for row in found)
    return [ids[hit.id] for hit in ranked(query, candidates)]
