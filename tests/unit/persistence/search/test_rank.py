"""What was found comes in one order, whatever store has found it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.search import Candidate, Hit, Term, ranked, read_query, row_tokens
from questline_persistence.search.rank import occurrences, rank

TOKENS = st.lists(st.sampled_from(["a", "ab", "abc", "_"]), max_size=12)
TERM = st.builds(Term, st.lists(st.sampled_from(["a", "ab"]), min_size=1, max_size=3).map(tuple), st.booleans())


@pytest.mark.parametrize(
    ("typed", "texts", "expected"),
    [
        ("a", ["a"], 1 / (1 + 1.2 * (0.25 + 0.75 / 100))),
        ("a", ["a " * 100], 100 / (100 + 1.2)),
        ("a", ["a b", "a c"], 2 / (2 + 1.2 * (0.25 + 0.75 * 4 / 100))),
        ("a b", ["a b"], 2 * 1 / (1 + 1.2 * (0.25 + 0.75 * 2 / 100))),
        ('"a b"', ["a b a b a", "b"], 2 / (2 + 1.2 * (0.25 + 0.75 * 6 / 100))),
        ("ab*", ["ab abc a b"], 2 / (2 + 1.2 * (0.25 + 0.75 * 4 / 100))),
        ("a -b", ["a"], 1 / (1 + 1.2 * (0.25 + 0.75 / 100))),
        ("a a A", ["a"], 1 / (1 + 1.2 * (0.25 + 0.75 / 100))),
        ("b", ["a " * 1000 + "b"], 1 / (1 + 1.2 * (0.25 + 0.75 * 256 / 100))),
        ("", ["a"], 0),
    ],
)
def test_a_row_ranks_by_how_often_it_has_the_terms_and_how_long_it_is(
    typed: str, texts: list[str], expected: float
) -> None:
    assert rank(read_query(typed), row_tokens(texts)) == round(expected, 6)


def test_the_best_comes_first_then_the_newest_then_by_id() -> None:
    often, once = row_tokens(["fox fox"]), row_tokens(["fox dog"])
    found = [
        Candidate("c", 1.0, once),
        Candidate("b", 1.0, once),
        Candidate("d", 2.0, once),
        Candidate("a", 0.0, often),
    ]
    query = read_query("fox")
    high, low = rank(query, often), rank(query, once)

    hits = ranked(query, iter(found))

    assert hits == [Hit("a", 0.0, high), Hit("d", 2.0, low), Hit("b", 1.0, low), Hit("c", 1.0, low)]


def test_ranks_that_differ_by_less_than_six_digits_are_alike() -> None:
    rows = [Candidate("old", 1.0, ("a",) * 9_998), Candidate("new", 2.0, ("a",) * 9_999)]

    assert [hit.id for hit in ranked(read_query("a"), rows)] == ["new", "old"]
    assert len({hit.rank for hit in ranked(read_query("a"), rows)}) == 1


@given(st.lists(st.tuples(st.integers(0, 3), TOKENS), max_size=6), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_in_which_rows_are_found(
    rows: list[tuple[int, list[str]]], random: Random
) -> None:
    found = [Candidate(str(number), float(time), tokens) for number, (time, tokens) in enumerate(rows)]
    query = read_query("a ab*")
    before = ranked(query, found)
    random.shuffle(found)

    assert ranked(query, found) == before


@given(TERM, TOKENS)
def test_occurrences_are_the_places_at_which_a_term_stands(term: Term, tokens: list[str]) -> None:
    size = len(term.words)
    windows = [tokens[start : start + size] for start in range(len(tokens) - size + 1)]
    wanted = list(term.words)

    assert occurrences(term, tokens) == sum(
        window[:-1] == wanted[:-1] and (window[-1].startswith(wanted[-1]) if term.prefix else window[-1] == wanted[-1])
        for window in windows
    )
