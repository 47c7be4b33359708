"""Contexts of workflows, as programs come to them: a store of their own, opened at first use."""

from __future__ import annotations

from questline_persistence.memory.contexts.contexts import Contexts
from questline_persistence.memory.door import AnyStore, PlainDoor


class ContextPersistence(PlainDoor, Contexts):
    """Keeps the contexts of workflows in a database: each save is a version, and no version ever changes.

    It may be used by several threads at once. Nothing connects before the first call.

    Parameters:
      db_path: a path of an SQLite file, ":memory:", or a URL of SQLite or PostgreSQL; None means the one that the
        settings name.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps workflows apart within the tenant; those of another prefix, or of none, are never seen.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
      PayloadError: the namespace or the key prefix is no text.

    Example:
      persistence = ContextPersistence("contexts.db")
      context = WorkflowContext(epic_num=12, story_num=3, feature="login", workflow_name="code", current_phase="design")
      persistence.save_context(context)
      context = persistence.load_context(context.workflow_id)
      latest = persistence.get_latest_context(epic=12, story=3)
      active = persistence.get_active_contexts()
      persistence.close()
    """

    def __init__(
        self, db_path: AnyStore = None, *, namespace: str | None = None, key_prefix: str | None = None
    ) -> None:
        super().__init__(db_path, namespace=namespace, key_prefix=key_prefix)
