"""The choice of a dialect: by a store's URL when it is opened, or by a connection that is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from questline_persistence.dialects.dialect import Dialect
from questline_persistence.dialects.postgres import Postgres, read_postgres_url
from questline_persistence.dialects.sqlite import Sqlite
from questline_persistence.dialects.sqlite import url as sqlite_url
from questline_persistence.errors import ConfigurationError

_DIALECTS: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in (Sqlite(), Postgres())}


def parse_url(text: str | Path) -> URL:
    """Return the SQLAlchemy URL that a path or a URL means.

    Raises:
      ConfigurationError: it is neither a path nor a URL of SQLite or PostgreSQL.
    """
    if isinstance(text, Path):
        return sqlite_url.of_file(text)
    if not isinstance(text, str):
        raise ConfigurationError(f"a database is a path or a URL, not {type(text).__name__}", hint=sqlite_url.HINT)
    if "://" not in text:
        return sqlite_url.read_path(text)
    kind = text.partition("://")[0].partition("+")[0]
    if kind == "sqlite":
        return sqlite_url.read_sqlite_url(text)
    if kind in {"postgres", "postgresql"}:
        return read_postgres_url(text)
    if not kind.isidentifier():  # it may be anything, a password too
        raise ConfigurationError("the database URL cannot be read", hint=sqlite_url.HINT)
    raise ConfigurationError(f"{kind!r} is not a database that questline knows", hint=sqlite_url.HINT)


def dialect_for(url: URL) -> Dialect:
    """Return the dialect of the store at `url`."""
    return _DIALECTS[url.get_backend_name()]


def dialect_of(connection: Connection) -> Dialect:
    """Return the dialect that a connection speaks, which may be a caller's own."""
    return _DIALECTS[connection.dialect.name]


def dialect_named(name: str) -> Dialect | None:
    """Return the dialect that SQLAlchemy has under a name; None if it is none of ours."""
    return _DIALECTS.get(name)


def decide_library(url: str) -> None:
    """Decide which SQLite library this process uses if its store is an SQLite file.

    A process that runs the code of users does so before it imports that, since they may load another one.
    """
    dialect_for(parse_url(url)).decide_library()


def check_callers(connection: Connection, dialect: Dialect) -> None:
    """Make sure that a caller's own connection can take part in what a store of this dialect does.

    Raises:
      ConfigurationError: it is to another kind of database, or made by a library that must not meet ours.
    """
    if connection.dialect.name != dialect.name:
        message = f"the connection is to {connection.dialect.name}, the quests are in {dialect.name}"
        raise ConfigurationError(message, hint="pass a connection to the database that holds the quests")
    dialect.check_library(connection)
