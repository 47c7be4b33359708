"""Statements that go to the driver itself, on a connection that SQLAlchemy has opened.

SQLAlchemy's part in sending a statement takes six times as long as SQLite's in running it: 12 µs against 2. The few
statements on a step's way need none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Select
from sqlalchemy.exc import DBAPIError

from questline_persistence.dialects.store_errors import hide_values

T = TypeVar("T")
Row = tuple[Any, ...]


def execute(
    connection: Connection, statement: str, values: Mapping[str, Any] | Sequence[Any] | None = None
) -> list[Row]:
    """Send a statement and return its rows.

    Raises:
      DBAPIError: as SQLAlchemy would raise it.
    """
    own: Any = connection.connection.dbapi_connection
    try:
        cursor = own.execute(statement, values or {})
        rows = cursor.fetchall() if cursor.description else []
    except _errors(connection) as error:
        raise _raised(connection, statement, error) from error
    if connection.dispatch.before_cursor_execute:  # whoever listens to the engine hears of these statements too
        connection.dispatch.before_cursor_execute(connection, cursor, statement, values, None, False)  # noqa: FBT003
    return rows


def fetch(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[Row]:
    """Send a query that SQLAlchemy has composed, in whatever transaction is open.

    SQLAlchemy itself would begin one, which fails where the driver has been told to.

    Raises:
      DBAPIError: as SQLAlchemy would raise it.
    """
    composed = query.compile(dialect=connection.dialect)
    names = composed.positiontup
    return execute(
        connection, str(composed), composed.params if names is None else [composed.params[name] for name in names]
    )


def changed_rows(connection: Connection, result: CursorResult[Any]) -> int:
    """Return how many rows a statement has changed; Python's `sqlite3` does not tell where it begins with WITH."""
    return result.rowcount if result.rowcount >= 0 else int(execute(connection, "SELECT changes()")[0][0])


def transaction(
    connection: Connection,
    work: Callable[[Connection], T],
    *,
    opening: str,
    written: Callable[[], object] = lambda: None,
) -> T:
    """Return `work(connection)` after one committed write transaction.

    Parameters:
      opening: begins it.
      written: called before COMMIT.

    Raises:
      DBAPIError: as SQLAlchemy would raise it.
    """
    execute(connection, opening)
    try:
        result = work(connection)
        written()
        _commit(connection)
    except BaseException:
        with suppress(_errors(connection)):  # a full disk has ended the transaction already
            connection.connection.dbapi_connection.rollback()  # type: ignore[union-attr]  # it is open
        raise
    return result


def _commit(connection: Connection) -> None:
    try:
        connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]  # it is open
    except _errors(connection) as error:
        raise _raised(connection, "COMMIT", error) from error


def _raised(connection: Connection, statement: str, error: Exception) -> BaseException:
    """Return a driver's error as SQLAlchemy would raise it."""
    hide_values(error)
    return DBAPIError.instance(statement, None, error, _errors(connection), hide_parameters=True)


def _errors(connection: Connection) -> type[Exception]:
    errors: type[Exception] = connection.dialect.loaded_dbapi.Error
    return errors
