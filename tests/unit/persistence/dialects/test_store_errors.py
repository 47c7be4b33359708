"""What a database's error means, whatever driver has raised it."""

import pytest
from sqlalchemy.exc import DBAPIError, ProgrammingError

from questline_persistence.dialects import is_transient, lacks_schema, sqlstate


class _Said(Exception):
    """An error as a driver raises it."""


def _error(**told: str | None) -> DBAPIError:
    said = _Said('relation "tickets" does not exist')
    for name, value in told.items():
        setattr(said, name, value)
    return ProgrammingError("SELECT", {}, said)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_error(sqlstate="42P01"), "42P01"),
        (_error(pgcode="42P01"), "42P01"),
        (_error(sqlstate="42P01", pgcode="42P01"), "42P01"),
        (_error(sqlstate=None), None),
        (_error(), None),
    ],
    ids=["psycopg", "psycopg2", "asyncpg", "no server", "no code"],
)
def test_an_error_has_its_code_whatever_the_driver_calls_it(error: DBAPIError, code: str | None) -> None:
    assert sqlstate(error) == code
    assert lacks_schema(error) is (code is not None)


def test_a_deadlock_passes_by_itself_whatever_the_driver() -> None:
    assert is_transient(_error(pgcode="40P01"))
