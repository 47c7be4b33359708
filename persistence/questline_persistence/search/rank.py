"""How well rows fit a query, and in which order they are shown: one function for all stores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from questline_persistence.search.query import Query, Term
from questline_persistence.search.tokens import GAP

#: BM25's parameters, without how rare a word is, which would be another number on every store.
K1, B = 1.2, 0.75
#: How many words a row is taken to have on average.
AVERAGE_WORDS = 100
#: To how many digits ranks are told apart.
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that a store has found.

    Parameters:
      id: what names it.
      time: when it was made, in epoch seconds.
      tokens: what `row_tokens` returned for it.
    """

    id: str
    time: float
    tokens: Sequence[str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found, and how well it fits.

    Parameters:
      id: what names it.
      time: when it was made, in epoch seconds.
      rank: how well it fits, above 0; each term of the query adds up to 1.
    """

    id: str
    time: float
    rank: float


def ranked(query: Query, candidates: Iterable[Candidate]) -> list[Hit]:
    """Return what was found, the best first; of those that fit alike the newest, then by id.

    Parameters:
      query: what was looked for.
      candidates: what a store has found; their tokens are looked at one after the other, and not kept.
    """
    hits = [Hit(one.id, one.time, rank(query, one.tokens)) for one in candidates]
    return sorted(hits, key=lambda hit: (-hit.rank, -hit.time, hit.id))


def rank(query: Query, tokens: Sequence[str]) -> float:
    """Return how well a row fits a query: the more often it has a term, and the fewer other words, the better.

    Parameters:
      query: what was looked for.
      tokens: what `row_tokens` returned for the row.
    """
    words = len(tokens) - tokens.count(GAP)
    damping = K1 * (1 - B + B * words / AVERAGE_WORDS)
    counts = (occurrences(term, tokens) for term in query.all_of)
    return round(sum(count / (count + damping) for count in counts), DIGITS)


def occurrences(term: Term, tokens: Sequence[str]) -> int:
    """Return how often a term stands in a row.

    Parameters:
      term: one word or several.
      tokens: what `row_tokens` returned for the row.
    """
    *first, last = term.words
    found = _behind(tuple(first), tokens) if first else tokens
    return sum(token.startswith(last) for token in found) if term.prefix else found.count(last)


def _behind(phrase: tuple[str, ...], tokens: Sequence[str]) -> Sequence[str]:
    """Return the tokens that follow a phrase, one for each time that it stands in a row."""
    size = len(phrase)
    starts = (place for place, token in enumerate(tokens[:-size]) if token == phrase[0])
    return [tokens[start + size] for start in starts if tuple(tokens[start : start + size]) == phrase]
