"""What people type becomes terms: whatever it is, it is never an error, and never more than words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.search import Query, Term, fts5_match, read_query, tsquery_text
from questline_persistence.search.query import MAX_PHRASE, MAX_TERMS, MAX_TYPED
from questline_persistence.search.tokens import length_of, tokens_in

#: Any text, and one of what has a meaning to us or to a database.
TYPED = st.text(st.characters()) | st.lists(
    st.sampled_from([*"ab\"-* '\\()&|!:<>^%;\0_", "ab*", "ü", "東", "AND", "NEAR(", '-"', "\ud800"])
).map("".join)


def typed(*words: str, prefix: bool = False) -> Term:
    return Term(tuple(token for word in words for token in tokens_in(word)), prefix)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("fox", [typed("fox")]),
        ("  quick\t\nFOX ", [typed("quick"), typed("fox")]),
        ("fox Fox FOX", [typed("fox")]),
        ("Müller", [typed("muller")]),
        ('"quick fox"', [typed("quick", "fox")]),
        ('a "b c"d', [typed("a"), typed("b", "c"), typed("d")]),
        ('("b c")', [typed("b", "c")]),
        ("“quick fox” „b c“ «d e»", [typed("quick", "fox"), typed("b", "c"), typed("d", "e")]),
        ('a "b c', [typed("a"), typed("b", "c")]),
        ('a "', [typed("a")]),
        ('5" copper pipe', [typed("5"), typed("copper"), typed("pipe")]),
        ("e-mail snake_case 3.14", [typed("e", "mail"), typed("snake", "case"), typed("3", "14")]),
        ("東京", [typed("東", "京")]),
        ("pre*", [typed("pre", prefix=True)]),
        ("pre**", [typed("pre", prefix=True)]),
        ("(pre*)", [typed("pre", prefix=True)]),
        ("mu\u0308* हि*", [typed("mu", prefix=True), typed("हि", prefix=True)]),
        ("e-ma*", [typed("e", "ma", prefix=True)]),
        ("a* ü* 東京*", [typed("a"), typed("u"), typed("東", "京")]),
        ("* *pre p*e p* e snake_*", [typed("pre"), typed("p", "e"), typed("p"), typed("e"), typed("snake")]),
        ('"pre*" "a pre"*', [typed("pre"), typed("a", "pre")]),
        ("AND OR NOT NEAR", [typed("and"), typed("or"), typed("not"), typed("near")]),
        (
            "NEAR(a b, 2) ^c d:e {f} g+h",
            [typed("near", "a"), *map(typed, "b2c"), typed("d", "e"), typed("f"), typed("g", "h")],
        ),
        ("--verbose", [typed("verbose")]),
        ("a - b -> c", [typed("a"), typed("b"), typed("c")]),
        ("a\0b", [typed("a", "b")]),
        ("a\ud800 👍", [typed("a")]),
        ("'; DROP TABLE x; --", [typed("drop"), typed("table"), typed("x")]),
        ("a' & !'b':* <-> 'c'", [typed("a"), typed("b"), typed("c")]),
    ],
)
def test_what_is_typed_is_read_as_people_mean_it(text: str, terms: list[Term]) -> None:
    assert read_query(text) == Query(all_of=tuple(terms))


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("x -fox", [typed("fox")]),
        ("-fox x", [typed("fox")]),
        ('x -"quick fox"', [typed("quick", "fox")]),
        ("x -“quick fox”", [typed("quick", "fox")]),
        ("x -pre*", [typed("pre", prefix=True)]),
        ("x -e-mail", [typed("e", "mail")]),
        ("x -.env -@me", [typed("env"), typed("me")]),
        ('x -"" -! -', []),
        ("x -a -a -b", [typed("a"), typed("b")]),
        ("x -x", [typed("x")]),
    ],
)
def test_a_minus_leaves_out_what_it_stands_before(text: str, excluded: list[Term]) -> None:
    assert read_query(text) == Query(all_of=(typed("x"),), none_of=tuple(excluded))


@pytest.mark.parametrize("text", ["", " ", '"', '""', "-", "*", "-a", '-"a b" -c*', "()", "👍", "\0", "\ud800", "_"])
def test_without_a_term_to_find_nothing_is_found(text: str) -> None:
    query = read_query(text)

    assert query.is_empty
    assert fts5_match("_n1", query) == '"_n"'
    assert tsquery_text("_n1", query) == "'_n'"


def test_what_is_typed_beyond_a_limit_is_not_looked_for() -> None:
    words = list(map(str, range(MAX_TERMS)))
    phrase = " ".join(map(str, range(MAX_PHRASE)))

    assert read_query(" ".join(words * 2)) == Query(all_of=tuple(map(typed, words)))
    assert read_query(" ".join([*words, "more"])) == Query(all_of=tuple(map(typed, words)))
    assert read_query(" ".join([*words, "-more"])) == Query(all_of=tuple(map(typed, words)))
    assert read_query(f'"{phrase}"') == Query(all_of=(typed(*phrase.split()),))
    assert read_query(f'"{phrase} more"') == Query(all_of=(typed(*phrase.split()),))
    assert read_query(f"{phrase.replace(' ', '-')}-more*") == Query(all_of=(typed(*phrase.split()),))
    assert read_query("a" + " " * (MAX_TYPED - 1)) == Query(all_of=(typed("a"),))
    assert read_query("a" + " " * MAX_TYPED + "b") == Query(all_of=(typed("a"),))


@pytest.mark.parametrize("piece", ["a", '"', "-", "*", '-"', "a ", "ﷺ", "a\u0301\u0316", "-a*", '" "', 'a"'])
def test_huge_input_is_read_in_no_time(piece: str) -> None:
    query = read_query(piece * 1_000_000)

    assert len(fts5_match("_n1", query)) < MAX_TYPED


@given(TYPED)
def test_no_text_breaks_and_terms_are_made_of_tokens(text: str) -> None:
    query = read_query(text)

    assert len(query.all_of) + len(query.none_of) <= MAX_TERMS
    for term in (*query.all_of, *query.none_of):
        assert 1 <= len(term.words) <= MAX_PHRASE
        assert all(word.isascii() and word.replace("_", "").isalnum() for word in term.words)
        assert not term.prefix or length_of(term.words[-1]) >= 2


@given(TYPED)
def test_a_quoted_text_is_one_phrase(text: str) -> None:
    plain = "".join(character for character in text if character not in '"“”„‟«»\uff02')
    words = tuple(tokens_in(plain))

    assert read_query(f'"{plain}"').all_of == ((Term(words[:MAX_PHRASE]),) if words else ())


def test_a_query_is_spelled_as_each_database_reads_it() -> None:
    query = read_query('a "b c" de* f-gh* -i -"j k" -lm*')

    assert fts5_match("_n1", query) == ('"_n1" AND "a" AND "b c" AND "de"* AND "f gh"* NOT "i" NOT "j k" NOT "lm"*')
    assert tsquery_text("_n1", query) == (
        "'_n1' & ('a') & ('b' <-> 'c') & ('de':*) & ('f' <-> 'gh':*) & !('i') & !('j' <-> 'k') & !('lm':*)"
    )
