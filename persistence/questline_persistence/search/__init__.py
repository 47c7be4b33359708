"""Searching texts, the same on every store: tokens of our own, which the databases only find.

A row is written as `fts5_text(scope, row_tokens(texts))` and found by `fts5_match(scope, read_query(typed))`; on
PostgreSQL these are `tsvector_text` and `tsquery_text`. `ranked` puts what was found into order.
"""

from questline_persistence.search.fts5 import fts5_match, fts5_text, fts5_tokens
from questline_persistence.search.query import Query, Term, read_query
from questline_persistence.search.rank import Candidate, Hit, ranked
from questline_persistence.search.scope import scope_token
from questline_persistence.search.tokens import json_texts, row_tokens
from questline_persistence.search.tsvector import tsquery_text, tsvector_text, tsvector_tokens

__all__ = [
    "Candidate",
    "Hit",
    "Query",
    "Term",
    "fts5_match",
    "fts5_text",
    "fts5_tokens",
    "json_texts",
    "ranked",
    "read_query",
    "row_tokens",
    "scope_token",
    "tsquery_text",
    "tsvector_text",
    "tsvector_tokens",
]
