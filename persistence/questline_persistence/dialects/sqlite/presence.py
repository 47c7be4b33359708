"""How other processes know that this one has an SQLite file open, whatever else this process does with the file.

SQLite tells them by POSIX locks. These belong to the process, do not pass a fork, and are gone as soon as *anything*
in the process closes the file: a copy of it, another library. Whoever closes the file next takes itself for the last
one then, and takes the write-ahead log away. So the same bytes are locked once more, by locks of Linux that belong to
SQLite's own open files and end with them.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: What SQLite locks, shared, for as long as a connection to a file with a write-ahead log is open: by the file's
#: suffix, the first byte and the number of bytes (https://sqlite.org/fileformat.html, "WAL-index").
_LOCKED = {"": (0x40000002, 510), "-shm": (128, 1)}
_OPEN_FILES = Path("/proc/self/fd")
#: Linux on 64 bits; elsewhere SQLite's own locks must do.
_SUPPORTED = hasattr(fcntl, "F_OFD_SETLK") and sys.maxsize > 2**32 and _OPEN_FILES.is_dir()


def show(path: Path) -> None:
    """Lock what this process's connections to the database at `path` have open, for as long as they have."""
    _set(path, fcntl.F_RDLCK)


def hide(path: Path) -> None:
    """Take these locks away, so that the connection that is closed last may tidy the write-ahead log."""
    _set(path, fcntl.F_UNLCK)


def _set(path: Path, kind: int) -> None:
    if not _SUPPORTED:
        return
    for suffix, (start, length) in _LOCKED.items():
        lock = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)
        for descriptor in _descriptors(path.with_name(path.name + suffix)):
            with suppress(OSError):  # closed meanwhile, or held by somebody who is tidying
                fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)


def _descriptors(path: Path) -> Iterator[int]:
    """Yield this process's descriptors of a file."""
    try:
        wanted = path.stat()
    except FileNotFoundError:
        return
    for entry in _OPEN_FILES.iterdir():
        with suppress(OSError):
            if os.path.samestat(os.fstat(int(entry.name)), wanted):
                yield int(entry.name)
