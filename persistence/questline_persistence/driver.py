"""Statements that go to the driver itself, on a connection that SQLAlchemy has opened.

SQLAlchemy's part in sending a statement takes six times as long as SQLite's in running it: 12 µs against 2. The few
statements on a step's way need none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
Row = tuple[Any, ...]


def execute(connection: Connection, statement: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    """Send a statement and return its rows.

    Raises:
      DBAPIError: as SQLAlchemy would raise it.
    """
    cursor = _send(connection, statement, values or {})
    return cursor.fetchall() if cursor.description else []


def change(connection: Connection, statement: str, values: Mapping[str, Any]) -> int:
    """Send a statement and return how many rows it has changed.

    Raises:
      DBAPIError: as SQLAlchemy would raise it.
    """
    return int(_send(connection, statement, values).rowcount)


def transaction(connection: Connection, work: Callable[[Connection], T], *, written: Callable[[], object]) -> T:
    """Return `work(connection)` after one committed write transaction of SQLite; `written` is called before COMMIT.

    Raises:
      DBAPIError: as SQLAlchemy would raise it.
    """
    execute(connection, "BEGIN IMMEDIATE")
    own: Any = connection.connection.dbapi_connection
    try:
        result = work(connection)
        written()
        with _raising(connection, "COMMIT"):
            own.commit()
    except BaseException:
        with suppress(_errors(connection)):  # a full disk has ended the transaction already
            own.rollback()
        raise
    return result


def _send(connection: Connection, statement: str, values: Mapping[str, Any]) -> Any:
    own: Any = connection.connection.dbapi_connection
    with _raising(connection, statement):
        cursor = own.execute(statement, values)
    if connection._has_events or connection.engine._has_events:  # noqa: SLF001  (the engine's listeners hear of it)
        connection.dispatch.before_cursor_execute(connection, cursor, statement, values, None, False)  # noqa: FBT003
    return cursor


@contextmanager
def _raising(connection: Connection, statement: str) -> Iterator[None]:
    try:
        yield
    except _errors(connection) as error:
        raise DBAPIError.instance(statement, None, error, _errors(connection), hide_parameters=True) from error


def _errors(connection: Connection) -> type[Exception]:
    errors: type[Exception] = connection.dialect.loaded_dbapi.Error
    return errors
