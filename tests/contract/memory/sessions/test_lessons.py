"""Lessons: remembered, recalled by their words, forgotten; on each kind of store."""

from typing import Any

import pytest
from sqlalchemy import text

from questline_persistence.errors import Conflict, NotFound, PayloadError
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import Memory
from questline_persistence.memory.sessions import Lessons
from tests.contract.memory.sessions.test_states import HOSTILE
from tests.contract.quests import statements


@pytest.fixture
def lessons(kept: Kept) -> Lessons:
    return Lessons(kept)


def ids(found: list[Memory]) -> list[str]:
    return [one.memory_id for one in found]


def fill(lessons: Lessons) -> None:
    lessons.remember("reading CSV", "the delimiter may be a semicolon", "read_csv", 80, memory_id="a")
    lessons.remember("writing CSV", "quote what holds a delimiter", "write_csv", 40, memory_id="b")
    lessons.remember("Café", "tip in cash", memory_id="c")
    lessons.remember("reading", "sure that it fails", "read_csv", -5, memory_id="d")


def test_a_lesson_comes_back_as_it_was_remembered(lessons: Lessons) -> None:
    made = lessons.remember("reading CSV", "the delimiter may be a semicolon", tool_name="read_csv", confidence=80)

    assert made.created_at is not None
    assert [*lessons.recall()] == [*lessons.recall("semicolon")] == [made]


def test_without_a_query_the_newest_are_told_first(lessons: Lessons) -> None:
    fill(lessons)

    assert ids(lessons.recall()) == ["c", "b", "a"]
    assert ids(lessons.recall(min_confidence=-5)) == ["d", "c", "b", "a"]
    assert ids(lessons.recall(min_confidence=41)) == ["a"]
    assert ids(lessons.recall(tool_name="read_csv", min_confidence=-10)) == ["d", "a"]
    assert (ids(lessons.recall(limit=2)), lessons.recall(limit=2).newest_only) == (["c", "b"], True)
    assert not lessons.recall(limit=3).newest_only


def test_a_query_is_for_words_of_the_context_the_lesson_and_the_tool(lessons: Lessons) -> None:
    fill(lessons)

    assert sorted(ids(lessons.recall("delimiter csv"))) == ["a", "b"]
    assert ids(lessons.recall('"a delimiter"')) == ["b"]
    assert ids(lessons.recall("cafe")) == ids(lessons.recall("TIP")) == ["c"]
    assert ids(lessons.recall("delim* -quote")) == ["a"]
    assert ids(lessons.recall("delimiter", tool_name="write_csv")) == ["b"]
    assert ids(lessons.recall("delimiter", min_confidence=50)) == ["a"]
    assert ids(lessons.recall("write_csv")) == ["b"]
    assert ids(lessons.recall("")) == ids(lessons.recall("-csv")) == []


@pytest.mark.parametrize(
    "query", [*HOSTILE[:-5], '"', "NEAR(a b)", "a OR b", "*", "tokens:a", "'; DROP TABLE memories; --"]
)
def test_whatever_people_type_is_words(lessons: Lessons, query: str) -> None:
    fill(lessons)
    lessons.recall(query)
    assert len(lessons.recall()) == 3


def test_a_forgotten_lesson_is_found_by_nobody_and_does_not_come_back(kept: Kept, lessons: Lessons) -> None:
    fill(lessons)
    lessons.forget("a")

    assert ids(lessons.recall()) == ["c", "b"]
    assert ids(lessons.recall("delimiter")) == ["b"]
    assert kept.read(lambda own, _: own.execute(text("SELECT count(*) FROM memory_texts")).scalar()) == 3
    with pytest.raises(NotFound, match="a"):
        lessons.forget("a")
    with pytest.raises(Conflict, match="deleted"):
        lessons.remember("reading CSV", "the delimiter may be a semicolon", "read_csv", 80, memory_id="a")
    assert ids(lessons.recall()) == ["c", "b"]


def test_to_forget_what_is_not_there_says_so(lessons: Lessons) -> None:
    with pytest.raises(NotFound, match="cannot forget x"):
        lessons.forget("x")


def test_a_lesson_that_is_remembered_again_is_there_once(lessons: Lessons) -> None:
    made = lessons.remember("c", "l", memory_id="a")

    assert lessons.remember("c", "l", memory_id="a") == made
    with pytest.raises(Conflict, match="there is lesson a already") as error:
        lessons.remember("c", "another", memory_id="a")
    assert error.value.current == made
    assert [*lessons.recall()] == [made]


def test_no_other_tenant_and_prefix_is_recalled_or_forgotten(kept: Kept) -> None:
    scopes = (("here", "p"), ("her", ""), ("here%", ""), ("HERE", ""), ("", ""), ("here", "%"))
    everybody = [Lessons(kept), *(Lessons(Kept(kept.database, *scope)) for scope in scopes)]
    for number, one in enumerate(everybody):
        one.remember("otter", str(number), memory_id="a")
    everybody[0].forget("a")

    told = [[one.lesson for one in each.recall("otter")] for each in everybody]
    assert told == [[], *([str(number)] for number in range(1, len(everybody)))]
    assert [len(each.recall()) for each in everybody] == [0, *[1] * len(scopes)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"context": None},
        {"lesson": "a\0b"},
        {"lesson": "x" * 1_000_001},
        {"tool_name": "x" * 256},
        {"confidence": "high"},
        {"confidence": 2**31},
        {"memory_id": ""},
    ],
)
def test_what_is_no_lesson_is_refused(lessons: Lessons, wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {"context": "c", "lesson": "l"} | wrong
    with pytest.raises(PayloadError):
        lessons.remember(**given)
    assert lessons.recall() == []


@pytest.mark.parametrize(
    "wrong", [{"query": 5}, {"tool_name": "a\0b"}, {"min_confidence": "0"}, {"limit": 0}, {"limit": 1_001}]
)
def test_what_nobody_can_recall_is_refused(lessons: Lessons, wrong: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        lessons.recall(**wrong)


def test_a_call_costs_one_statement_on_postgres_and_a_search_two(kept: Kept, lessons: Lessons) -> None:
    postgres = kept.database.dialect.name == "postgresql"
    fill(lessons)
    with statements(kept.database) as sent:
        lessons.remember("c", "l")
    assert len(sent) == (1 if postgres else 4), sent  # on SQLite: BEGIN, the lesson, and its words in two tables
    with statements(kept.database) as sent:
        lessons.recall(tool_name="read_csv")
    assert len(sent) == (1 if postgres else 2), sent
    with statements(kept.database) as sent:
        lessons.recall("delimiter")
    assert len(sent) == 3, sent  # how long it may take, or BEGIN; whose words match; and what these say
