"""Keeps a project's modules from taking the place of those that questline itself imports.

A project may have a `queue.py`, an `email.py` or a folder `redis/`. With the working directory first on the path, the
next import of the standard library, ours or a dependency's, would find these instead. So such names are looked for
elsewhere first; all others, and whatever lies in a package, are found as usual.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

#: The packages that questline imports, or that these import; a test compares them with the requirements.
DEPENDENCIES = frozenset(
    {
        *("alembic", "annotated_types", "anyio", "dotenv", "dramatiq", "greenlet", "idna", "mako", "markdown_it"),
        *(
            "markupsafe",
            "mdurl",
            "orjson",
            "prometheus_client",
            "psycopg",
            "psycopg_binary",
            "pydantic",
            "pydantic_core",
        ),
        *("pydantic_settings", "pygments", "pysqlite3", "redis", "rich", "shellingham", "sqlalchemy", "structlog"),
        *("typer", "typing_extensions", "typing_inspection", "watchfiles", "yaml", "zstandard"),
    }
)


#: Our own packages: a first script is easily called questline.py.
OURS = frozenset(f"questline{floor}" for floor in ("", "_persistence", "_scheduler", "_worker", "_gateway"))


class _OwnImports:
    """An import hook that looks for our names everywhere but in the working directory."""

    @staticmethod
    def find_spec(
        name: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return where a module of ours is; None for all others, and for one that is in no other place."""
        if path is not None or not is_ours(name):
            return None
        here = _working_directory()
        found = PathFinder.find_spec(name, [entry for entry in sys.path if entry not in here], target)
        # A mere folder of that name is no module of ours: in a checkout, that stands in the working directory.
        return None if found is None or found.origin is None else found


def _working_directory() -> set[str]:
    """Return how it may stand on the path; a deploy may have removed it under a worker that runs on."""
    names = {"", "."}
    with suppress(FileNotFoundError):
        names.add(os.getcwd())  # noqa: PTH109  (sys.path holds strings)
    return names


def is_ours(name: str) -> bool:
    """Return whether a top-level module is the standard library's, questline's, or one that it needs."""
    return name in sys.stdlib_module_names or name in DEPENDENCIES or name in OURS


def keep_own_imports() -> None:
    """See to it from now on; what is built in or frozen is found before."""
    if _OwnImports not in sys.meta_path:
        frozen = [place for place, finder in enumerate(sys.meta_path) if finder is PathFinder]
        sys.meta_path.insert(frozen[0] if frozen else len(sys.meta_path), _OwnImports)
