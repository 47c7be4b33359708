"""Finds modules by the names that they had before there were rooms: `questline_persistence.database` is in `store` now.

Scripts of operators import such modules, though users are to import from `questline` alone. These names end with 0.2.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import ModuleType

#: The packages whose modules stood side by side.
_FLOORS = ("questline_persistence", "questline_scheduler", "questline_worker")
#: Modules that are called otherwise, or are two rooms deep.
_RENAMED = {
    "questline_persistence.arrival": "questline_persistence.new_quest",
    "questline_persistence.error_text": "questline_persistence.errors.text",
    "questline_persistence.filters": "questline_persistence.records.listing.quest_filter",
    "questline_persistence.hot_connections": "questline_persistence.store.step_connections",
    "questline_persistence.hot_postgres": "questline_persistence.dialects.postgres.steps",
    "questline_persistence.hot_sqlite": "questline_persistence.dialects.sqlite.steps",
    "questline_persistence.locked": "questline_persistence.controls.locked_quest",
    "questline_persistence.postgres": "questline_persistence.dialects.postgres.sessions",
    "questline_persistence.postgres_url": "questline_persistence.dialects.postgres.url",
    "questline_persistence.presence": "questline_persistence.dialects.sqlite.presence",
    "questline_persistence.retries": "questline_persistence.backoff",
    "questline_persistence.saving": "questline_persistence.records.kept_quests",
    "questline_persistence.sqlite_driver": "questline_persistence.dialects.sqlite.library",
    "questline_persistence.sqlite_file": "questline_persistence.dialects.sqlite.file",
    "questline_persistence.sqlite_guard": "questline_persistence.dialects.sqlite.guard",
    "questline_persistence.sqlite_url": "questline_persistence.dialects.sqlite.url",
    "questline_persistence.standing": "questline_persistence.records.current_state",
    "questline_persistence.submission_postgres": "questline_persistence.dialects.postgres.quests",
    "questline_persistence.submission_sqlite": "questline_persistence.dialects.sqlite.quests",
    "questline_persistence.transient": "questline_persistence.dialects.meaning",
    "questline_persistence.views": "questline_persistence.records.quest_view",
    "questline_scheduler.threads": "questline_persistence.store.threads",
    "questline_worker.housekeeping": "questline_worker.middleware.background_loops",
    "questline_worker.settlement": "questline_worker.steps.checkpointing",
}


class _Moved:
    """Gives whoever asks for a module by its old name the module itself: a finder, and the loader of what it finds."""

    @classmethod
    def find_spec(
        cls,
        fullname: str,
        path: Sequence[str] | None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return how a module is had by its old name; None for all others. Asked last."""
        floor, _, module = fullname.partition(".")
        if path is None or floor not in _FLOORS or "." in module:
            return None
        from pathlib import Path  # noqa: PLC0415  (every program of ours imports this module, and few get as far as here)

        rooms = {file.parent.name for folder in path for file in Path(folder).glob(f"*/{module}.py")}
        found = _RENAMED.get(fullname) or (f"{floor}.{rooms.pop()}.{module}" if len(rooms) == 1 else None)
        return None if found is None else ModuleSpec(fullname, cast("Loader", cls), origin=found)

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """Leave it to Python to make the module that is asked for."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Put the module itself where it is asked for."""
        spec = module.__spec__
        if spec is not None and spec.origin is not None:
            told = f"{spec.name} is {spec.origin} now; 0.2 will not have the old name"
            warnings.warn(told, DeprecationWarning, stacklevel=2)
            sys.modules[spec.name] = importlib.import_module(spec.origin)


def find_moved() -> None:
    """Find modules by their old names from now on."""
    if _Moved not in sys.meta_path:
        sys.meta_path.append(_Moved)
