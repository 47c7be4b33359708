"""What a database's error means, whatever driver has raised it."""

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from questline_persistence.dialects import Meaning, meaning_of
from questline_persistence.dialects.postgres import Postgres
from questline_persistence.dialects.sqlite import Sqlite


class _Said(Exception):
    """An error as a driver raises it."""


def _said(words: str = "", **told: str | None) -> _Said:
    said = _Said(words)
    for name, value in told.items():
        setattr(said, name, value)
    return said


def _error(words: str = "", **told: str | None) -> DBAPIError:
    return ProgrammingError("SELECT", {}, _said(words, **told))


@pytest.mark.parametrize(
    ("error", "answered"),
    [
        (_error(sqlstate="42P01"), True),
        (_error(pgcode="42P01"), True),
        (_error(sqlstate="42P01", pgcode="42P01"), True),
        (_error(sqlstate=None), False),
        (_error(), False),
    ],
    ids=["psycopg", "psycopg2", "asyncpg", "no server", "no code"],
)
def test_an_error_of_postgresql_has_its_code_whatever_the_driver_calls_it(error: DBAPIError, answered: bool) -> None:
    expected = Meaning.ANSWERED | Meaning.NOT_OURS if answered else Meaning(0)
    assert Postgres().meaning(error) == expected


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("40P01", Meaning.PASSES),
        ("40001", Meaning.PASSES | Meaning.UNSEEN),
        ("57014", Meaning.PASSES | Meaning.OF_STATEMENT),
        ("55P03", Meaning.PASSES | Meaning.OF_STATEMENT | Meaning.LOCKED),
        ("25006", Meaning.PASSES | Meaning.OF_SESSION),
        ("25P01", Meaning.PASSES | Meaning.NO_TRANSACTION),
        ("26000", Meaning.PASSES | Meaning.OF_SESSION),
        ("53100", Meaning.PASSES),
        ("42501", Meaning.FORBIDDEN),
        ("42P07", Meaning.TAKEN),
        ("23505", Meaning(0)),
    ],
)
def test_a_code_of_postgresql_means(code: str, meaning: Meaning) -> None:
    assert Postgres().meaning(_error(pgcode=code)) == meaning | Meaning.ANSWERED


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("database is locked", Meaning.PASSES),
        ("database or disk is full", Meaning.PASSES),
        ("attempt to write a readonly database", Meaning.PASSES | Meaning.OF_SESSION),
        ("no such table: tickets", Meaning.NOT_OURS),
        ("table tickets already exists", Meaning.TAKEN),
        ("file is not a database", Meaning.UNREACHABLE),
        ("UNIQUE constraint failed: tickets.quest_id", Meaning(0)),
    ],
)
def test_words_of_sqlite_mean(words: str, meaning: Meaning) -> None:
    assert Sqlite().meaning(_error(words)) == meaning


def test_a_full_disk_is_found_behind_a_savepoint_that_is_gone() -> None:
    full = OperationalError("INSERT", {}, _Said("database or disk is full"))
    gone = OperationalError("ROLLBACK TO SAVEPOINT", {}, _Said("no such savepoint: sa_savepoint_1"))
    gone.__context__ = full

    assert Sqlite().cause(gone) is full
    assert Sqlite().cause(full) is full
    assert Postgres().cause(gone) is gone


@pytest.mark.parametrize("dialect", [Sqlite(), Postgres()], ids=lambda dialect: dialect.name)
def test_a_link_that_broke_and_a_pool_that_is_empty_pass(dialect: Sqlite | Postgres) -> None:
    broken = DBAPIError("SELECT", {}, _Said("gone"), connection_invalidated=True)
    answered = DBAPIError("COMMIT", {}, _said(sqlstate="57P01"), connection_invalidated=True)

    assert meaning_of(broken, dialect) == Meaning.PASSES
    assert meaning_of(PoolTimeout("QueuePool limit"), dialect) == Meaning.PASSES
    assert meaning_of(ValueError("ours"), dialect) == Meaning(0)
    assert meaning_of(answered, dialect) == Meaning.PASSES, "whether it was committed is not known"
