"""A row's tokens are written for each database, and read back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.search import fts5_text, fts5_tokens, row_tokens, tsvector_text, tsvector_tokens

TOKENS = st.lists(st.text(st.sampled_from("ab ü東!")), max_size=6).map(row_tokens)


@pytest.mark.parametrize(
    ("texts", "fts5", "tsvector"),
    [
        ([], "_n1", "'_n1'"),
        (["b a b"], "_n1 b a b", "'_n1' 'b':1,3 'a':2"),
        (["a", "", "ü東"], "_n1 a _ _ u _06771", "'_n1' 'a':1 'u':4 '_06771':5"),
    ],
)
def test_a_row_is_written_as_each_database_reads_it(texts: list[str], fts5: str, tsvector: str) -> None:
    assert fts5_text("_n1", row_tokens(texts)) == fts5
    assert tsvector_text("_n1", row_tokens(texts)) == tsvector


@given(TOKENS)
def test_what_is_written_is_read_back_as_it_was(tokens: tuple[str, ...]) -> None:
    assert fts5_tokens(fts5_text("_n1", tokens)) == tokens
    assert tsvector_tokens(tsvector_text("_n1", tokens)) == tokens
