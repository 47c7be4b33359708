"""The packages of the running Python's standard library: several hundred files that every machine has."""

import os
import sysconfig
from pathlib import Path
from typing import Final, NamedTuple

from .walk import SKIPPED_FOLDERS

#: A package with fewer Python files than this is too small to say anything about.
MIN_FILES: Final = 3

_LEFT_OUT: Final = SKIPPED_FOLDERS | {"test", "tests", "lib-dynload", "ensurepip", "pydoc_data"}


class Package(NamedTuple):
    """A package's name and the absolute path of its folder."""

    name: str
    path: str


def standard_library_packages(min_files: int = MIN_FILES) -> list[Package]:
    """Return the packages with at least `min_files` Python files, by name.

    The list is empty where Python carries its library as an archive or without sources.
    """
    root = _library_folder()
    folders = sorted(path for path in root.iterdir() if _is_package(path)) if root else []
    return [Package(path.name, str(path)) for path in folders if _python_files(path) >= min_files]


def _library_folder() -> Path | None:
    """Return where the library's sources are: as configured, or else where this Python found `os`."""
    # Where `os` is frozen into the interpreter, as in some bundled applications, it need not have a file.
    os_file = getattr(os, "__file__", None)
    candidates = [sysconfig.get_path("stdlib"), str(Path(os_file).parent) if os_file else None]
    return next((Path(path) for path in candidates if path and Path(path, "os.py").is_file()), None)


def _is_package(path: Path) -> bool:
    return path.name not in _LEFT_OUT and path.name.isidentifier() and path.is_dir()


def _python_files(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*.py") if not SKIPPED_FOLDERS.intersection(path.parts[len(folder.parts) :]))
