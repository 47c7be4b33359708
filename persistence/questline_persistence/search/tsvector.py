"""Tokens and queries as PostgreSQL's `tsvector` and `tsquery` are written; no parser or dictionary is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from questline_persistence.search.query import Query, Term
from questline_persistence.search.scope import NO_SCOPE
from questline_persistence.search.tokens import GAP

#: A token and where it stands, one place or several, as PostgreSQL gives them back.
_PLACED = re.compile(r"'(\w+)':([\d,]+)")


def tsvector_text(scope: str, tokens: Sequence[str]) -> str:
    """Return a row's `tsvector` as text: each token with its places, the scope's without.

    Parameters:
      scope: what `scope_token` returns for the row.
      tokens: what `row_tokens` returns for it.
    """
    places: dict[str, list[str]] = {}
    for place, token in enumerate(tokens, start=1):
        if token != GAP:
            places.setdefault(token, []).append(str(place))
    return " ".join((f"'{scope}'", *(f"'{token}':{','.join(where)}" for token, where in places.items())))


def tsvector_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of which `tsvector_text` has made a text, from how PostgreSQL gives the `tsvector` back."""
    placed: dict[int, str] = {}
    for token, places in _PLACED.findall(text):
        for place in places.split(","):
            placed[int(place)] = token
    tokens = [GAP] * max(placed, default=0)
    for place, token in placed.items():
        tokens[place - 1] = token
    return tuple(tokens)


def tsquery_text(scope: str, query: Query) -> str:
    """Return the `tsquery`, as text, that finds a query's rows, all of one scope.

    Parameters:
      scope: what `scope_token` returns for it.
      query: what is looked for.
    """
    if query.is_empty:
        return f"'{NO_SCOPE}'"
    required = (f"'{scope}'", *map(_spelled, query.all_of))
    return " & ".join((*required, *(f"!{_spelled(term)}" for term in query.none_of)))


def _spelled(term: Term) -> str:
    words = [f"'{word}'" for word in term.words]
    return f"({' <-> '.join(words)}{':*' * term.prefix})"
