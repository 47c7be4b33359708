"""A file that takes its place once it is whole, and that only this user can read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from questline_persistence.errors import PayloadError, QuestConflict


@contextmanager
def new_file(path: Path, *, replace: bool) -> Iterator[Path]:
    """Yield the path of an empty file beside `path`, which is moved there at the end, and removed after an error.

    Parameters:
      path: where the file is to be.
      replace: whether one that is there may be replaced.

    Raises:
      PayloadError: there is no such folder, or a folder of that name.
      QuestConflict: there is a file already.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise PayloadError(f"{path} cannot be written", hint="name a file in a folder that is there")
    if path.exists() and not replace:
        raise QuestConflict(f"there is a file {path} already", hint="name another one, or add --replace")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _sync(path: Path) -> None:
    """Have the disk keep what was written."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
