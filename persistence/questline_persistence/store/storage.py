"""What a store tells of itself: the room that it takes."""

from __future__ import annotations

from questline_persistence.store.database import Database


def size_of(database: Database) -> int:
    """Return how many bytes the database takes, whatever else is in it."""
    return database.read(database.dialect.size)
