"""Text becomes tokens: what reads alike is one token, and how much of a row is searched has its limits."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.search import json_texts, row_tokens, scope_token
from questline_persistence.search.tokens import (
    GAP,
    MAX_CHARACTERS,
    MAX_MARKS,
    MAX_REPEATS,
    MAX_TOKEN,
    MAX_TOKENS,
    MAX_WRITTEN,
    length_of,
    tokens_in,
)

#: Any text, lone surrogates among it; and one of letters, whose words begin with one another now and then.
TEXT = st.text(st.characters())
WORD = st.text(st.sampled_from("aAbzß0üéшया東が한"), max_size=8)


def tokens(text: str) -> list[str]:
    return list(tokens_in(text))


def word(token: str) -> str:
    """Return what a token is written for."""
    first, *others = token.split("_")
    return first + "".join(chr(int(one[:5], 16)) + one[5:] for one in others)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\r\n", []),
        ("The quick, brown fox!", ["the", "quick", "brown", "fox"]),
        ("Müller MU\u0308LLER Mueller", ["muller", "muller", "mueller"]),
        ("Straße STRASSE straẞe", ["strasse"] * 3),
        ("Œuvre naïve Ångström Łódź", ["œuvre", "naive", "angstrom", "łodz"]),
        ("İstanbul", ["istanbul"]),
        ("ﬁne ² ½ ① \uff21\uff22\uff11", ["fine", "2", "1", "2", "1", "ab1"]),
        ("snake_case e-mail don't 3.14 a/b:c", ["snake", "case", "e", "mail", "don", "t", "3", "14", "a", "b", "c"]),
        ("ΣΟΦΟΣ σοφός за́мок ёлка", ["σοφοσ", "σοφοσ", "замок", "елка"]),
        ("हिन्दी", ["हिन्दी"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("한국어", ["한국어"]),
        ("東京とｶﾒﾗー2台", [*"東京とカメラー", "2", "台"]),
        ("が か\u3099 ｶﾞ", ["が", "が", "ガ"]),
        ("👍 a👨\u200d👩\u200d👧b ❤️ 1\ufe0f\u20e3", ["a", "b", "1"]),
        ("soft\u00adhyphen \ufeffbom \u202ertl z\u200bw x\ufe0fy", ["softhyphen", "bom", "rtl", "z", "w", "xy"]),
        ("a\0b \ud800c\udfff", ["a", "b", "c"]),
        ("'; DROP TABLE x; --", ["drop", "table", "x"]),
        ("_ _n _000fc", ["n", "000fc"]),
        ("\U0010ffff \U00100000 \U000f0000 \ue000", []),
    ],
)
def test_what_reads_alike_is_one_token(text: str, words: list[str]) -> None:
    assert [word(token) for token in tokens(text)] == words


def test_a_character_beyond_ascii_is_written_with_five_digits() -> None:
    assert tokens("œ \U0001d4b3 \U00010428a \U00020000") == ["_00153", "x", "_10428a", "_20000"]


@given(TEXT)
def test_no_text_breaks_and_every_token_has_the_one_form(text: str) -> None:
    for token in tokens(text):
        assert token.isascii()
        assert token.replace("_", "").isalnum()
        assert token == token.lower() != GAP
        assert 1 <= length_of(token) == len(word(token)) <= MAX_TOKEN
        assert all(len(part) >= 5 for part in token.split("_")[1:])


@given(TEXT)
def test_a_token_is_found_by_its_own_word(text: str) -> None:
    assert [tokens(word(token)) for token in tokens(text)] == [[token] for token in tokens(text)]


@given(TEXT, TEXT)
def test_what_stands_apart_is_read_as_if_it_stood_alone(left: str, right: str) -> None:
    assert tokens(f"{left} {right}") == tokens(left) + tokens(right)


@given(WORD, WORD)
def test_tokens_begin_with_one_another_where_their_words_do(left: str, right: str) -> None:
    for one in tokens(left):
        for other in tokens(right):
            assert one.startswith(other) == word(one).startswith(word(other))


def test_of_a_long_word_the_first_characters_count() -> None:
    assert tokens("x" * 1000 + " y") == ["x" * MAX_TOKEN, "y"]
    assert tokens("я" * 1000 + " y") == ["_0044f" * MAX_TOKEN, "y"]


def test_what_is_beyond_a_million_characters_is_not_looked_at() -> None:
    assert tokens(" " * (MAX_CHARACTERS - 1) + "abc") == ["a"]


def test_marks_without_end_take_no_time() -> None:
    assert tokens("a" + "\u05b0" * 60 + "b") == ["a" + "_005b0" * MAX_MARKS + "b"]
    assert len(tokens("a" + "\u0301\u0316\u05b0\u05bf\uff9e" * 100_000 + " b")) == 2


def test_no_phrase_goes_across_texts() -> None:
    assert row_tokens(["a b", "", "c"]) == ("a", "b", GAP, GAP, "c")
    assert row_tokens(["", "a", "", "!"]) == (GAP, "a")
    assert row_tokens([]) == row_tokens(["", "?"]) == ()


def test_from_its_256th_occurrence_a_word_is_a_gap() -> None:
    found = row_tokens(["a " * 200 + "b", "a " * 100 + "c"])

    assert found.count("a") == MAX_REPEATS == 255
    assert found[-46:] == (*[GAP] * 45, "c")


def test_a_row_has_a_limit_and_its_first_texts_win() -> None:
    many = " ".join(map(str, range(20_000)))

    assert row_tokens(["name", many, "lost"]) == ("name", GAP, *map(str, range(MAX_TOKENS - 2)))


def test_what_is_left_out_is_not_even_read() -> None:
    def texts() -> Iterator[str]:
        yield " ".join(map(str, range(MAX_TOKENS)))
        raise AssertionError

    assert len(row_tokens(texts())) == MAX_TOKENS


def test_long_words_of_many_bytes_have_a_limit_together() -> None:
    found = row_tokens([" ".join(f"{number} {'я' * 64}" for number in range(5_000))])

    assert sum(len(token) + 1 for token in found) <= MAX_WRITTEN
    assert row_tokens(["я" * 64 + f" {number}" for number in range(5_000)])[0] == "_0044f" * 64


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("line\nbreak", ["line\nbreak"]),
        ({"goal": ["read", {"n": 3}], "": 1.5}, ["goal", "read", "n", "3", "", "1.5"]),
        ([None, True, False, 2**70, [], {}], [str(2**70)]),
        (None, []),
    ],
)
def test_the_searched_texts_of_json_are_its_keys_texts_and_numbers(value: Any, texts: list[str]) -> None:
    assert list(json_texts(value)) == texts


def test_json_may_be_nested_as_deep_as_it_can_be_read() -> None:
    value: Any = "otter"
    for _ in range(50_000):
        value = [value]

    assert list(json_texts(value)) == ["otter"]
    while value != "otter":  # by hand: to free it at once takes a call for each level
        value = value[0]


def test_scopes_have_tokens_of_their_own_that_no_word_has() -> None:
    scopes = [("a", "b", "c"), ("a", "", "c"), ("", "a", "c"), ("ab", "", "c"), ("a", "b", "d"), ("\ud800", "é", "c")]
    found = {scope_token(*scope) for scope in scopes}

    assert len(found) == len(scopes)
    assert scope_token("a", "b", "c") == scope_token("a", "b", "c")
    assert all(token.startswith("_n") and token[2:].isalnum() for token in found)
    assert not found & set(chain.from_iterable(map(tokens, found)))
