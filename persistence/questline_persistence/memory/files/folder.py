"""A folder of files that several processes write: one at a time, and each file as a whole."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path

from questline_persistence.errors import StoreUnavailable
from questline_persistence.memory.files.file_names import SUFFIX

#: The file whose lock whoever writes in the folder holds; it has nothing in it.
LOCK = ".lock"
#: How long to wait for others who write, in seconds.
PATIENCE = 30.0
#: Pauses between two looks at a lock that somebody else holds, in seconds; the last one again and again.
PAUSES = (0.0005, 0.001, 0.002, 0.005)
#: Behind the name of a file that is being written.
_NEW = ".new"
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


class Folder:
    """Files in the rooms of one folder; nothing is open between two calls, so that processes may fork at any time.

    Parameters:
      path: the folder, made with the first file.
      patience: how long to wait for others who write, in seconds.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self.path = path
        self._patience = patience

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock; the kernel frees it when the process ends, however that comes about.

        Raises:
          StoreUnavailable: others keep it for too long.
          OSError: the file system refuses it.
        """
        _make(self.path)
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | _FLAGS, 0o666)
        try:
            self._wait(descriptor)
            yield
        finally:
            # Not by closing alone: a process that was forked meanwhile has this open, too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _wait(self, descriptor: int) -> None:
        """Take the lock as soon as nobody else holds it."""
        deadline = time.monotonic() + self._patience
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            if _take(descriptor):
                return
            if time.monotonic() > deadline:
                message = f"others have been writing in {self.path} for {self._patience:g} s"
                raise StoreUnavailable(message, hint="try again; a database lets more write at once")
            time.sleep(pause)

    def read(self, room: str, name: str) -> bytes | None:
        """Return what a file holds; None if there is none."""
        try:
            return (self.path / room / name).read_bytes()
        except FileNotFoundError:
            return None

    def names(self, room: str) -> list[str]:
        """Return the names of a room's files, those left out that are being written."""
        try:
            return sorted(path.name for path in (self.path / room).iterdir() if path.suffix == SUFFIX)
        except FileNotFoundError:
            return []

    def write(self, room: str, name: str, content: bytes) -> None:
        """Put a file into its place as a whole: whoever reads meanwhile, and a crash, finds the old or the new one.

        The lock must be held: one that another process did not finish is written over.
        """
        folder = self.path / room
        _make(folder)
        path = folder / name
        new = folder / f"{name}{_NEW}"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o666), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise
        _sync(folder)


def _take(descriptor: int) -> bool:
    """Lock an open file; return False if somebody else has it locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make(folder: Path) -> None:
    """Make a folder, and those that it stands in, so that a crash leaves them there."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Have a folder's names on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
