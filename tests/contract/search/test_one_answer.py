"""Both stores find the same rows by the same tokens, and no query breaks one of them or gets at what is not its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Row, text

from questline_persistence.search import (
    Candidate,
    Query,
    Term,
    fts5_match,
    fts5_text,
    fts5_tokens,
    ranked,
    read_query,
    row_tokens,
    scope_token,
    tsquery_text,
    tsvector_text,
    tsvector_tokens,
)
from questline_persistence.search.tokens import GAP, MAX_REPEATS, MAX_TOKENS
from questline_persistence.store import Database

MINE, THEIRS = scope_token("mine", "", "events"), scope_token("theirs", "", "events")
#: Few words, so that they meet: some alike, some that begin with others, some that are phrases.
WORDS = ["a", "ab", "Abc", "müller", "Mu\u0308", "東京", "हिन्दी", "हि", "a-b"]
#: What means something to a database, or to us.
HOSTILE = ["and", "OR", "not", "NEAR(a", "_n", "_", "_000fc", MINE, "tokens:a", "^a", "{a}", "a+b", "'", "\\", "%", "&"]
HOSTILE += [
    "|",
    "!",
    ":*",
    "<->",
    "(",
    ")",
    "\0",
    "\ud800",
    "\n",
    "👍",
    ";",
    "--",
    "/*",
    "{{",
    "$1",
    ":a",
    "?",
    "“",
    '"',
]
WORD = st.sampled_from(WORDS)
WILD = st.lists(WORD | st.sampled_from([" ", *HOSTILE]), max_size=8).map("".join) | st.text(st.characters())
PHRASE = st.lists(WORD, min_size=2, max_size=2).map(lambda words: f'"{" ".join(words)}"')
TERM = WORD | WORD.map("{}*".format) | PHRASE
MANY = st.lists(TERM | TERM.map("-{}".format), max_size=2).map(" ".join)
TYPED = TERM | st.builds("{} {}".format, TERM, MANY) | WILD
TEXT = st.lists(WORD, max_size=12).map(" ".join)
ROW = st.lists(TEXT | TEXT | WILD, max_size=3).map(row_tokens)
ROWS = st.lists(ROW, max_size=8)


@dataclass(frozen=True)
class Spelling:
    """How a store keeps tokens and is asked for them."""

    create: Sequence[str]
    #: What makes a small table be searched as a large one is: by its index.
    before: Sequence[str]
    insert: str
    find: str
    explain: str
    stored: Callable[[str, Sequence[str]], str]
    read: Callable[[str], tuple[str, ...]]
    asked: Callable[[str, Query], str]


SPELLINGS = {
    "sqlite": Spelling(
        ["CREATE VIRTUAL TABLE searched USING fts5(tokens, tokenize = \"ascii tokenchars '_'\")"],
        [],
        "INSERT INTO searched (rowid, tokens) VALUES (:id, :tokens)",
        "SELECT rowid FROM searched WHERE searched MATCH :asked ORDER BY rowid",
        "EXPLAIN QUERY PLAN ",
        fts5_text,
        fts5_tokens,
        fts5_match,
    ),
    "postgresql": Spelling(
        [
            "CREATE TABLE searched (rowid BIGINT PRIMARY KEY, tokens TSVECTOR NOT NULL)",
            "CREATE INDEX searched_tokens ON searched USING gin (tokens)",
        ],
        ["SET LOCAL enable_seqscan = off"],
        "INSERT INTO searched (rowid, tokens) VALUES (:id, CAST(:tokens AS TSVECTOR))",
        "SELECT rowid FROM searched WHERE tokens @@ CAST(:asked AS TSQUERY) ORDER BY rowid",
        "EXPLAIN ",
        tsvector_text,
        tsvector_tokens,
        tsquery_text,
    ),
}


class Searched:
    """A table of tokens on one store: the rows of two scopes, of which mine have even ids."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spelling = SPELLINGS[database.read(lambda connection: connection.dialect.name)]
        database.write(self._create)

    def _create(self, connection: Connection) -> None:
        for statement in self._spelling.create:
            connection.execute(text(statement))

    def keep(self, rows: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]] = ()) -> None:
        """Keep these rows and no others."""
        scoped = [(2 * number, MINE, tokens) for number, tokens in enumerate(rows)]
        scoped += [(2 * number + 1, THEIRS, tokens) for number, tokens in enumerate(theirs)]
        written = [{"id": row, "tokens": self._spelling.stored(scope, tokens)} for row, scope, tokens in scoped]

        def replace(connection: Connection) -> None:
            connection.execute(text("DELETE FROM searched"))
            if written:
                connection.execute(text(self._spelling.insert), written)

        self._database.write(replace)

    def find(self, query: Query) -> list[int]:
        """Return the places of my rows that a query finds; it would be a row's half if it found others'."""
        found = self._rows(self._spelling.find, {"asked": self._spelling.asked(MINE, query)})
        assert all(row.rowid % 2 == 0 for row in found)
        return [row.rowid // 2 for row in found]

    def plan(self, query: Query) -> str:
        """Return how the store finds them."""
        explain = self._spelling.explain + self._spelling.find
        return str(self._rows(explain, {"asked": self._spelling.asked(MINE, query)}))

    def _rows(self, statement: str, values: Mapping[str, str]) -> Sequence[Row[Any]]:
        def read(connection: Connection) -> Sequence[Row[Any]]:
            for each in self._spelling.before:
                connection.execute(text(each))
            return connection.execute(text(statement), values).all()

        return self._database.read(read)

    def tokens(self) -> list[tuple[str, ...]]:
        """Return the tokens that the store gives back."""
        found = self._rows("SELECT tokens FROM searched ORDER BY rowid", {})
        return [self._spelling.read(row.tokens) for row in found]


@pytest.fixture
def searched(blank_database_url: str) -> Iterator[Searched]:
    """A table of tokens, once on each kind of store."""
    with closing(Database(blank_database_url)) as database:
        yield Searched(database)


@pytest.fixture
def both(blank_sqlite_url: str, blank_postgres_url: str) -> Iterator[list[Searched]]:
    """A table of tokens on each kind of store."""
    with closing(Database(blank_sqlite_url)) as sqlite, closing(Database(blank_postgres_url)) as postgres:
        yield [Searched(sqlite), Searched(postgres)]


def matches(query: Query, tokens: Sequence[str]) -> bool:
    """Return whether a row is found, by looking at each of its places."""
    every = all(stands(term, tokens) for term in query.all_of)
    return bool(query.all_of) and every and not any(stands(term, tokens) for term in query.none_of)


def stands(term: Term, tokens: Sequence[str]) -> bool:
    """Return whether a term stands in a row."""
    spelled, row = " ".join(("", *term.words)), " ".join(("", *tokens, ""))
    return (spelled if term.prefix else f"{spelled} ") in row


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, theirs=ROWS, typed=st.lists(TYPED, min_size=1, max_size=6))
def test_both_stores_find_what_the_tokens_say(
    both: list[Searched], rows: list[tuple[str, ...]], theirs: list[tuple[str, ...]], typed: list[str]
) -> None:
    for store in both:
        store.keep(rows, theirs)
    for query in map(read_query, typed):
        expected = [number for number, tokens in enumerate(rows) if matches(query, tokens)]
        assert [store.find(query) for store in both] == [expected, expected], query


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("fox", [0, 1]),
        ("FOX", [0, 1]),
        ('"quick fox"', [1]),
        ("quick fox", [0, 1]),
        ("fo*", [0, 1, 3]),
        ("f*", []),
        ("fox -lazy", [1]),
        ('fox -"quick fox"', [0]),
        ("-fox", []),
        ("fox -fox", []),
        ("", []),
        ("Müller", [2]),
        ("MULLER", [2]),
        ("mueller", []),
        ("東京", [4]),
        ("京東", []),
        ("fox AND quick", []),
        ("fox OR foxes", []),
        ("tokens:fox", []),
        ("fox*) OR (1=1", []),
        ('"fox', [0, 1]),
        ("fox' | 'cat", []),
        ("_n*", []),
        ("'; DROP TABLE searched; --", []),
        ("fox\0", [0, 1]),
        ("\ud800fox", [0, 1]),
        ("👍", []),
    ],
)
def test_what_people_type_finds_what_they_mean(searched: Searched, typed: str, found: list[int]) -> None:
    texts = ["The quick brown fox; a lazy dog", "A quick fox", "Herr Müller", "foxes", "東京タワー"]
    rows = [row_tokens([each]) for each in texts]
    searched.keep(rows, theirs=rows)

    assert searched.find(read_query(typed)) == found


@pytest.mark.parametrize("typed", ["a", "-a", 'a "b c" de* -f', '"open', "👍"])
def test_the_index_finds_the_rows(searched: Searched, typed: str) -> None:
    plan = searched.plan(read_query(typed))

    assert "VIRTUAL TABLE INDEX" in plan or "Bitmap Index Scan on searched_tokens" in plan


def test_no_phrase_goes_across_texts_or_repeats_that_are_left_out(searched: Searched) -> None:
    searched.keep([row_tokens(["new york", "city hall"]), row_tokens(["x " * MAX_REPEATS + "x end"])])

    assert searched.find(read_query('"york city"')) == []
    assert searched.find(read_query('"city hall"')) == [0]
    assert searched.find(read_query("x end")) == [1]
    assert searched.find(read_query('"x end"')) == []


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_a_store_gives_the_tokens_back_as_they_were(searched: Searched, rows: list[tuple[str, ...]]) -> None:
    searched.keep(rows)

    assert searched.tokens() == rows


@pytest.mark.parametrize(
    "texts",
    [
        [" ".join(map(str, range(20_000)))],
        ["word " * 20_000],
        [" ".join(chr(0x4E00 + number) for number in range(20_000))],
        [" ".join("я" * 59 + f"{number:05}" for number in range(20_000))],
        ["x" * 2_000_000, "a b"],
    ],
    ids=["many words", "one word", "many ideographs", "long words beyond ASCII", "one long word"],
)
def test_the_largest_rows_are_kept_and_found_by_their_last_words(searched: Searched, texts: list[str]) -> None:
    tokens = row_tokens(texts)
    searched.keep([tokens])

    assert searched.tokens() == [tokens]
    assert len(tokens) <= MAX_TOKENS
    assert GAP not in tokens[-1:]
    assert searched.find(Query(all_of=(Term(tokens[-2:]),))) == [0]


@pytest.mark.parametrize(
    "typed",
    [
        " ".join(f'"{" ".join(f"я{term}x{word}" for word in range(30))}"' for term in range(40)),
        " ".join(f"-я{term}x*" for term in range(40)) + " a",
        "a " + " ".join(f"-я{term}x*" for term in range(40)),
        '"' + "a " * 4_000,
        "ﷺ" * 10_000,
        "a" * 1_000_000,
    ],
    ids=["phrases", "exclusions", "exclusions of one word", "a phrase", "letters that become many", "a word"],
)
def test_the_largest_queries_are_answered(searched: Searched, typed: str) -> None:
    row = row_tokens(["a b"])
    searched.keep([row])

    query = read_query(typed)

    assert searched.find(query) == [0] * matches(query, row)


def test_both_stores_rank_alike(both: list[Searched]) -> None:
    rows = [
        row_tokens(texts) for texts in (["fox"], ["fox fox", "dog"], ["dog fox", "", "cat"], ["fox " * 300], ["dog"])
    ]
    query = read_query("fo* fox")
    hits = []
    for store in both:
        store.keep(rows)
        tokens = store.tokens()
        hits.append(ranked(query, (Candidate(str(each), 0.0, tokens[each]) for each in store.find(query))))

    assert hits[0] == hits[1]
    assert [hit.id for hit in hits[0]] == ["3", "1", "0", "2"]
