"""Tokens and queries as SQLite's FTS5 reads them, with the tokenizer `ascii` and `_` as a character of tokens.

The table has one column and keeps positions: `fts5(tokens, tokenize = "ascii tokenchars '_'")`.
"""

from __future__ import annotations

from collections.abc import Sequence

from questline_persistence.search.query import Query, Term
from questline_persistence.search.scope import NO_SCOPE


def fts5_text(scope: str, tokens: Sequence[str]) -> str:
    """Return the text of a row's column, the scope's token first.

    Parameters:
      scope: what `scope_token` returns for the row.
      tokens: what `row_tokens` returns for it.
    """
    return " ".join((scope, *tokens))


def fts5_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of which `fts5_text` has made a text."""
    return tuple(text.split(" ")[1:])


def fts5_match(scope: str, query: Query) -> str:
    """Return the text for MATCH that finds a query's rows, all of one scope.

    Parameters:
      scope: what `scope_token` returns for it.
      query: what is looked for.
    """
    if query.is_empty:
        return f'"{NO_SCOPE}"'
    found = " AND ".join((f'"{scope}"', *map(_spelled, query.all_of)))
    return " NOT ".join((found, *map(_spelled, query.none_of)))


def _spelled(term: Term) -> str:
    return f'"{" ".join(term.words)}"{"*" * term.prefix}'
