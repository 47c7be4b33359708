"""What a store tells of itself: the room that it takes, and the journal that an SQLite file really has."""

from __future__ import annotations

from sqlalchemy import Connection, text

from questline_persistence.store.database import Database


def size_of(database: Database) -> int:
    """Return how many bytes the database takes, whatever else is in it."""
    return database.read(database.dialect.size)


def journal_of(database: Database) -> str:
    """Return the journal mode of an SQLite file."""

    def work(connection: Connection) -> str:
        return str(connection.execute(text("PRAGMA journal_mode")).scalar_one()).upper()

    return database.read(work)
