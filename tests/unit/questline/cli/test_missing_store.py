"""Commands that look or steer make no store: not in a folder where none is yet, and least of all at a mistyped path."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.unit.questline.cli.conftest import QUEST, CommandLine

LOOKING = [
    ("list",),
    ("show", "alpha"),
    ("runs", "alpha"),
    ("snapshots", "alpha"),
    ("wait", "alpha", "--timeout", "0"),
    ("stats",),
    ("lords",),
    ("workers",),
    ("pause", "alpha"),
    ("resume", "--status", "paused", "-y"),
    ("cancel", "alpha"),
    ("retry", "alpha"),
    ("replay", "alpha"),
    ("fork", "alpha"),
    ("delete", "alpha", "-y"),
    ("prune", "--older-than", "1d", "-y"),
]


@pytest.fixture
def empty(cli: CommandLine) -> CommandLine:
    """The command line in a folder without any store."""
    shutil.rmtree(cli.database.parent)
    return cli


@pytest.mark.parametrize("words", LOOKING, ids=lambda words: words[0])
@pytest.mark.parametrize("url", ["mistyped.db", "sqlite:///mistyped.db", "sqlite:///.questline/mistyped.db"])
def test_a_store_that_was_named_and_is_not_there_is_an_error_and_is_not_made(
    empty: CommandLine, words: tuple[str, ...], url: str
) -> None:
    ran = empty(*words, "--database-url", url, "-o", "json")

    assert ran.code == 3, ran
    assert ran.error["message"].startswith("there is no database at ")
    assert "mistyped.db" in ran.error["message"]
    assert "`questline submit` or `questline db upgrade`" in ran.error["hint"]
    assert [*empty.folder.iterdir()] == []


@pytest.mark.parametrize("words", LOOKING, ids=lambda words: words[0])
def test_the_default_store_that_is_not_there_yet_is_empty_and_is_not_made(
    empty: CommandLine, words: tuple[str, ...]
) -> None:
    ran = empty(*words)

    assert ran.code == (4 if "alpha" in words else 0), ran
    assert [*empty.folder.iterdir()] == []


def test_lists_of_a_store_that_is_not_there_yet_have_their_usual_form(empty: CommandLine) -> None:
    for command in ("list", "lords", "workers"):
        assert empty.json(command) == {"items": [], "next_cursor": None}
    assert empty.json("stats")["total_quests"] == 0


@pytest.mark.parametrize(
    ("words", "code"), [(("current",), 0), (("check",), 7), (("downgrade", "base", "-y"), 7), (("history",), 0)]
)
def test_looking_at_the_schema_makes_no_store(empty: CommandLine, words: tuple[str, ...], code: int) -> None:
    assert empty("db", *words).code == code
    assert empty("db", *words, "--database-url", "other.db").code == code
    assert [*empty.folder.iterdir()] == []


@pytest.mark.parametrize("words", [("submit", "quest.json"), ("db", "upgrade")], ids=lambda words: words[0])
@pytest.mark.parametrize("url", [(), ("--database-url", "named.db")], ids=["default", "named"])
def test_what_submits_or_upgrades_makes_the_store(
    empty: CommandLine, words: tuple[str, ...], url: tuple[str, ...]
) -> None:
    empty.file("quest.json", QUEST)

    assert empty(*words, *url).code == 0
    assert empty("list", *url).code == 0
    assert (empty.folder / "named.db" if url else empty.database).is_file()


def test_another_programs_database_is_left_as_it_is(empty: CommandLine) -> None:
    with closing(sqlite3.connect("app.db")) as connection:
        connection.execute("CREATE TABLE customers (name)")

    ran = empty("list", "--database-url", "app.db", "-o", "json")

    assert (ran.code, "has no questline schema" in ran.error["message"]) == (7, True)
    with closing(sqlite3.connect("app.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]


@pytest.mark.parametrize(
    ("url", "message"),
    [("sqlite:///nofolder/x.db", "nofolder of the database does not exist"), (":memory:", "has no questline schema")],
)
def test_doctor_fails_where_other_commands_would(empty: CommandLine, url: str, message: str) -> None:
    listed = empty("list", "--database-url", url, "-o", "json")
    examined = empty("doctor", "--database-url", url, "-o", "json")
    (failure,) = [check for check in examined.data["checks"] if check["status"] == "fail"]

    assert (listed.code, examined.code) == (7, 7)
    assert message in listed.error["message"]
    assert message in failure["message"]
    assert [*empty.folder.iterdir()] == []
