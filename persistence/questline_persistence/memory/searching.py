"""What people type, looked for in what Lords remember: the same rows in the same order on every store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row

from questline_persistence.arguments import text, whole
from questline_persistence.errors import PayloadError
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.kept import MAX_PAGE, PAGE, Kept
from questline_persistence.schema import within
from questline_persistence.search import Candidate, ranked, read_query

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

    Parameters:
      kept: whose rows.
      kind: what they are.
      typed: words; `"a phrase"`, `pre*`, `-without`.
      limit: at most this many, 1 to 1,000.
      where: further conditions on the rows.

    Raises:
      PayloadError: it is no text, or a limit out of range.
    """
    if not 1 <= whole(limit, "limit", most=None) <= MAX_PAGE:
        raise PayloadError(f"limit must be 1 to {MAX_PAGE:,}, not {limit}", hint="search for more words")
    query = read_query(text(typed, "a query"))
    if query.is_empty:
        return Found([], newest_only=False)
    of, rows = reading.of_kind(kind)
    texts = kept.database.dialect.texts_with(query, of.name, kept.namespace, kept.prefix).subquery("texts")
    own = [*within(of, kept.namespace, kept.prefix), *where]
    chosen = rows.add_columns(texts.c.tokens.label("found_tokens")).join(texts, texts.c.ref_id == of.c.id).where(*own)
    newest = chosen.order_by(texts.c.text_id.desc()).limit(MAX_RANKED + 1)
    found = kept.read(lambda own, now: own.execute(newest.where(*reading.present(of, now))).all())
    words_of = kept.database.dialect.words_of
    candidates = (Candidate(*_named(kind, row), words_of(row.found_tokens)) for row in found[:MAX_RANKED])
    by_name = {_named(kind, row)[0]: row for row in found}
    best = [by_name[hit.id] for hit in ranked(query, candidates)[:limit]]
    return Found(best, newest_only=len(found) > MAX_RANKED)


def _named(kind: Versioned | Entries, row: Row[Any]) -> tuple[str, float]:
    """Return by what a row is known, and when it was saved."""
    if isinstance(kind, Versioned):
        return getattr(row, kind.key), row.updated_time
    return getattr(row, kind.entry_id), row.saved_time
