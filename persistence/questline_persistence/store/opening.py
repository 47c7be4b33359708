"""How a store is opened as the settings say: where it is, how large what it keeps may be, and what pools sessions."""

from __future__ import annotations

from pathlib import Path

from questline_persistence import settings
from questline_persistence.settings import Settings
from questline_persistence.store.database import Database


def open_database(
    url: str | Path | None = None, chosen: Settings | None = None, *, pool_size: int = 5, patience: float = 5.0
) -> Database:
    """Return a store as the settings say; nothing is sent to it before it is used.

    Parameters:
      url: a URL, a path of an SQLite file, or ":memory:"; None means the one that the settings name.
      chosen: the settings; None means those of the environment and of the project's files.
      pool_size: connections kept open for the statements on a step's way; and how many for all others.
      patience: seconds for which a transaction that met a passing error is tried again.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
    """
    chosen = settings.load() if chosen is None else chosen
    return Database(
        chosen.database_url if url is None else url,
        pool_size=pool_size,
        patience=patience,
        limits=chosen.limits,
        pooler=chosen.database_pooler,
    )
