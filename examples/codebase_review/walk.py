"""Finding the files below a root: bounded, in a fixed order, never through a symbolic link."""

import fnmatch
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: Folders that hold tools' leavings or other people's code.
SKIPPED_FOLDERS: Final = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        ".venv",
        "venv",
        "site-packages",
        "dist-packages",
        "node_modules",
        ".tox",
        ".nox",
        ".eggs",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".idea",
        ".vscode",
    }
)
#: A folder that holds one of these is a virtual environment or a cache, whatever its name.
SKIP_MARKERS: Final = ("pyvenv.cfg", "CACHEDIR.TAG")
#: More files than this are not looked at; the survey says so.
MAX_FILES: Final = 100_000
#: Paths that could not be read are kept up to this many; the rest are only counted.
MAX_UNREADABLE: Final = 50


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file: its path relative to the root with `/` between the parts, and its size in bytes."""

    path: str
    size: int


@dataclass(slots=True)
class Walk:
    """Everything a walk found, and how much it left out and why."""

    root: str
    files: list[FoundFile] = field(default_factory=list)
    folders_skipped: int = 0
    links_skipped: int = 0
    unreadable: list[str] = field(default_factory=list)
    unreadable_total: int = 0
    stopped_early: bool = False

    def note_unreadable(self, path: str) -> None:
        """Remember a path that cannot be read, in a form that any JSON encoder accepts."""
        self.unreadable_total += 1
        if len(self.unreadable) < MAX_UNREADABLE:
            self.unreadable.append(os.fsencode(path).decode("utf-8", "backslashreplace")[:200])


def checked_root(root: object) -> str:
    """Return the real path of `root`; raise ValueError, saying what is wrong, where there is no such directory."""
    if not isinstance(root, str) or not root.strip():
        message = f"root must be the path of a directory, not {root!r}"
        raise ValueError(message)
    real = Path(os.path.realpath(root))
    if not real.is_dir():
        found = "is not a directory" if real.exists() else "does not exist"
        message = f"root {root!r} {found} (looked at {real} on this worker)"
        raise ValueError(message)
    return str(real)


def walk(root: str, exclude: Sequence[str] = ()) -> Walk:
    """List the regular files below `root`, sorted; `exclude` holds names or glob patterns of relative paths."""
    walked = Walk(root)
    folders = [""]
    while folders and not walked.stopped_early:
        below = _scan(walked, folders.pop(), exclude)
        folders.extend(sorted(below, reverse=True))
    walked.files.sort(key=lambda found: found.path)
    return walked


def _scan(walked: Walk, folder: str, exclude: Sequence[str]) -> list[str]:
    """Take in the files of one folder and return the folders below it that are worth a visit."""
    try:
        with os.scandir(Path(walked.root, folder)) as entries:
            listed = list(entries)
    except OSError:
        walked.note_unreadable(folder or walked.root)
        return []
    if folder and any(entry.name in SKIP_MARKERS for entry in listed):
        walked.folders_skipped += 1
        return []
    return [path for entry in listed if (path := _take(walked, folder, entry, exclude))]


def _take(walked: Walk, folder: str, entry: os.DirEntry[str], exclude: Sequence[str]) -> str | None:
    """Take in one directory entry; return its path if it is a folder to visit."""
    path = f"{folder}/{entry.name}" if folder else entry.name
    if not _is_utf8(path):
        # Such a name cannot travel in JSON, so no other Lord could open the file.
        walked.note_unreadable(path)
    elif entry.is_symlink():
        # A link leads to a loop, to a file already counted, or out of the root: none of these is wanted.
        walked.links_skipped += 1
    elif _is_excluded(path, entry.name, exclude):
        walked.folders_skipped += entry.is_dir()
    elif entry.is_dir():
        if entry.name not in SKIPPED_FOLDERS:
            return path
        walked.folders_skipped += 1
    elif entry.is_file():
        _take_file(walked, path, entry)
    return None


def _take_file(walked: Walk, path: str, entry: os.DirEntry[str]) -> None:
    if len(walked.files) >= MAX_FILES:
        walked.stopped_early = True
        return
    try:
        walked.files.append(FoundFile(path, entry.stat(follow_symlinks=False).st_size))
    except OSError:
        walked.note_unreadable(path)


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_excluded(path: str, name: str, exclude: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(name, pattern) for pattern in exclude)
