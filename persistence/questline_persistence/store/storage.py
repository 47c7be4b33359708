"""What a store tells of itself: the room that it takes, and the journal that an SQLite file really has."""

from __future__ import annotations

from sqlalchemy import Connection, text

from questline_persistence.store.database import Database

_POSTGRES_SIZE = text("SELECT pg_database_size(current_database())")
_SQLITE_SIZE = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")


def size_of(database: Database) -> int:
    """Return how many bytes the database takes, whatever else is in it."""
    query = _SQLITE_SIZE if database.dialect.name == "sqlite" else _POSTGRES_SIZE
    return database.read(lambda connection: int(connection.execute(query).scalar_one()))


def journal_of(database: Database) -> str:
    """Return the journal mode of an SQLite file."""

    def work(connection: Connection) -> str:
        return str(connection.execute(text("PRAGMA journal_mode")).scalar_one()).upper()

    return database.read(work)
