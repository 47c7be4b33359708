"""Contexts of workflows, as programs come to them: a store of their own, opened at first use."""

from __future__ import annotations

from pathlib import Path

from questline_persistence.memory.contexts.contexts import Contexts
from questline_persistence.memory.door import PlainDoor
from questline_persistence.memory.kept import Kept
from questline_persistence.store import Database


class ContextPersistence(PlainDoor, Contexts):
    """Keeps the contexts of workflows in a database: each save is a version, and no version ever changes.

    It may be used by several threads at once. Nothing connects before the first call.

    Parameters:
      db_path: a path of an SQLite file, ":memory:", a URL of SQLite or PostgreSQL, or an open `Database`; None means
        the one that the settings name.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps workflows apart within the tenant; those of another prefix, or of none, are never seen.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
      PayloadError: the namespace or the key prefix is no text.

    Example:
      persistence = ContextPersistence(db_path=Path("gao_dev.db"))

      # Save context
      persistence.save_context(context)

      # Load context
      context = persistence.load_context(workflow_id)

      # Get latest for story
      latest = persistence.get_latest_context(epic=12, story=3)

      # Query contexts
      active = persistence.get_active_contexts()
    """

    def __init__(
        self,
        db_path: str | Path | Database | Kept | None = None,
        *,
        namespace: str | None = None,
        key_prefix: str | None = None,
    ) -> None:
        super().__init__(db_path, namespace=namespace, key_prefix=key_prefix)
