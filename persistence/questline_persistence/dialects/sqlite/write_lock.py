"""The order of those who write one SQLite file, by a lock that no other code of their processes can drop.

SQLite orders them by POSIX locks, which are gone as soon as anything in the process closes the same file: a copy of
the folder, a checksum, another library. Another process would begin to write in the middle of a transaction then. This
lock belongs to an open file of ours alone. It is a file beside the store: to close one of the store's own would drop
SQLite's locks. The kernel frees it when the process ends, however that comes about.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import weakref
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy.exc import DBAPIError

from questline_persistence.dialects.sqlite.library import BUSY_TIMEOUT_MS

#: What follows the store's path in the name of the lock's file.
SUFFIX = "-lock"
#: Pauses between two looks at a lock that another process holds, in seconds; the last one again and again.
PAUSES = (0.0002, 0.0005, 0.001, 0.002, 0.005)

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


class WriteLock:
    """Held, as a context manager, by whoever writes a store's file: one thread of one process at a time.

    Where it cannot be had (no right to make its file, a file system without such locks), SQLite's own locks must do.

    Parameters:
      store: the store's file.
      module: the SQLite library, whose error for a locked file is raised if others keep the lock for too long.
      patience: how long to wait for them, in seconds.
    """

    def __init__(self, store: Path, module: ModuleType, *, patience: float = BUSY_TIMEOUT_MS / 1000) -> None:
        self._store = store
        self._path = store.with_name(store.name + SUFFIX)
        self._module = module
        self._patience = patience
        self._turn = threading.Lock()
        self._descriptor: int | None = None
        self._closing: weakref.finalize[[int], WriteLock] | None = None

    def __enter__(self) -> None:
        if not self._turn.acquire(timeout=self._patience):
            raise self._busy()
        try:
            if not self._take():
                self._wait()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            if self._descriptor is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        except OSError:  # as when it was taken; `suppress` takes as long as the call
            pass
        finally:
            self._turn.release()

    def _wait(self) -> None:
        """Take the lock as soon as no other process holds it."""
        deadline = time.monotonic() + self._patience
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            time.sleep(pause)
            if self._take():
                return
            if time.monotonic() > deadline:
                raise self._busy()

    def _take(self) -> bool:
        """Take the lock unless another process holds it; return False if one does."""
        while self._descriptor is not None or self._open():
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]  # it is open
            except BlockingIOError:
                return False
            except OSError:  # this file system has no such locks
                return True
            if os.fstat(self._descriptor).st_nlink:  # type: ignore[arg-type]  # as above
                return True
            self.leave()  # it was taken away, and another process may have made a new one
        return True

    def _open(self) -> bool:
        """Open the file, made with the owner and the rights of the store's; return whether it could be."""
        with suppress(OSError):
            try:
                store = self._store.stat()
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _FLAGS, store.st_mode & 0o666)
                with suppress(OSError):  # another user's, who has seen to it, or no file system for that
                    os.fchmod(descriptor, store.st_mode & 0o666)
                    os.fchown(descriptor, store.st_uid, store.st_gid)
            except PermissionError:
                descriptor = os.open(self._path, os.O_RDONLY | _FLAGS)
            self._descriptor = descriptor
            self._closing = weakref.finalize(self, os.close, descriptor)
            self._closing.atexit = False  # a thread may still be writing then
            return True
        return False

    def leave(self) -> None:
        """Close the file: in a forked process, for whoever it was opened for, and may hold it, is the parent."""
        closing, self._descriptor, self._closing = self._closing, None, None
        if closing is not None:
            closing()

    def close(self) -> None:
        """Close the file, unless a thread is writing; take it away if no process has the store's log open."""
        if self._descriptor is None or not self._turn.acquire(blocking=False):
            return
        try:
            if not self._store.with_name(f"{self._store.name}-wal").exists():
                self._take_away(self._descriptor)
            self.leave()
        finally:
            self._turn.release()

    def _take_away(self, descriptor: int) -> None:
        """Remove the file while nobody holds the lock: whoever takes it next sees that, and makes a new one."""
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                self._path.unlink()

    def _busy(self) -> BaseException:
        """Return the error of a file that others keep locked, as SQLAlchemy would raise it."""
        error: Any = self._module.OperationalError("database is locked")
        raised: BaseException = DBAPIError.instance(
            "BEGIN IMMEDIATE", None, error, self._module.Error, hide_parameters=True
        )
        return raised
