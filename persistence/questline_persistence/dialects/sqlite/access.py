"""The way to an SQLite store: a file, which other processes may use too, or one connection's memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool

from questline_persistence.clock import Reading
from questline_persistence.dialects import forks
from questline_persistence.dialects.pool_limits import PoolLimits
from questline_persistence.dialects.sqlite import backups, library
from questline_persistence.dialects.sqlite.file import DEFAULT_FOLDER, SqliteFile, make_folder
from questline_persistence.errors import ConfigurationError

#: What stands for the name of a file where the store is in memory.
MEMORY = ":memory:"


class _SqliteAccess:
    """What both ways have in common."""

    has_one_connection = False

    def __init__(self, url: URL) -> None:
        self._url = url
        self.name = f"sqlite:///{url.database}"
        self.entry: AbstractContextManager[object] = nullcontext()
        self.write_lock: AbstractContextManager[object] = nullcontext()

    @property
    def is_missing(self) -> bool:
        """Whether there is no file yet, and opening the store would make it."""
        return False

    def prepare_for_steps(self, connection: Connection) -> None:
        """Leave it: every connection is prepared when it is opened."""

    def opening(self, connection: Connection, *, alone: bool, joined: bool = False) -> str:  # noqa: ARG002  (the contract's)
        """Return what begins the transaction of step statements, which holds all of them."""
        return "BEGIN IMMEDIATE"

    def read_time(self, engine: Callable[[], Engine]) -> Reading:  # noqa: ARG002  (the contract's)
        """Read the time of the machine, which is always this one."""
        return Reading.of(time.time)

    def back_up(self, engine: Callable[[], Engine], path: Path, tables: Collection[str]) -> None:  # noqa: ARG002  (the contract's)
        """Write all pages into a file."""
        backups.back_up(engine(), path)

    def look_at_backup(self, path: Path) -> set[str]:
        """Have SQLite check a file."""
        return backups.look_at(path)

    def restore(self, engine: Callable[[], Engine], path: Path) -> None:
        """Take all pages from a file."""
        opened = engine()  # which makes the lock
        with self.write_lock:
            backups.restore(opened, path)

    def is_replaced(self) -> bool:
        """Return whether another file has taken the place of the one that is open."""
        return False

    def committed(self) -> None:
        """Note a commit; the write lock is held."""

    def closing(self) -> None:
        """Note that all connections are about to be closed for good."""

    def closed(self) -> None:
        """Note that all connections have been closed for good."""

    def reopen(self) -> None:
        """Let transactions begin again."""


class MemoryAccess(_SqliteAccess):
    """The way to a store in memory: one connection, which belongs to the process that opened it.

    Parameters:
      url: the store's.
    """

    has_one_connection = True

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self.file: Final = None
        self.entry = threading.RLock()  # one transaction at a time
        self._is_open = self._is_copy = False

    def open_engine(self) -> Engine:
        """Return a new engine of one connection.

        Raises:
          ConfigurationError: it was opened by the process that this one was forked from.
        """
        if self._is_copy:
            raise ConfigurationError(
                "an in-memory store belongs to the process that opened it, not to those forked from it",
                hint="use a file: sqlite:///path/to/file.db",
            )
        engine = _open_engine(self._url, None, poolclass=StaticPool)
        self._is_open = True
        return engine

    def shut(self) -> bool:
        """Return False: a fork leaves the memory with the parent."""
        return False

    def left_to_parent(self) -> None:
        """Begin anew, and open nothing if the parent has."""
        self.entry = threading.RLock()
        self._is_copy = self._is_copy or self._is_open


class FileAccess(_SqliteAccess):
    """The way to a store in a file.

    Parameters:
      url: the store's.
      pool: how many connections there are at most.
    """

    def __init__(self, url: URL, pool: PoolLimits) -> None:
        super().__init__(url)
        self.file: Final = Path(url.database or "").absolute()
        self._pool = pool
        self._begin()

    def _begin(self) -> None:
        self.entry = self._gate = forks.Gate()
        self.write_lock = nullcontext()
        self._opened: SqliteFile | None = None

    @property
    def is_missing(self) -> bool:
        """Whether there is no file yet, and opening the store would make it."""
        folder = self.file.parent
        return not self.file.exists() and (folder.is_dir() or folder.name == DEFAULT_FOLDER)

    def open_engine(self) -> Engine:
        """Return a new engine, after making the default's folder.

        Raises:
          ConfigurationError: its folder is missing, or a connection to it was open when this process was forked.
          StoreUnavailable: the folder cannot be made.
        """
        make_folder(self.file.parent)
        opened = SqliteFile(str(self.file), library.driver())
        engine = _open_engine(
            self._url.set(database=str(self.file)),
            opened,
            pool_size=self._pool.size,
            max_overflow=self._pool.overflow,
            pool_timeout=self._pool.timeout,
        )
        self._opened, self.write_lock = opened, opened.write_lock
        return engine

    def is_replaced(self) -> bool:
        """Return whether another file has taken the place of the one that is open."""
        return self._opened is not None and self._opened.is_replaced()

    def committed(self) -> None:
        """Note a commit; the write lock is held."""
        if self._opened is not None:
            self._opened.committed()

    def closing(self) -> None:
        """Note that all connections are about to be closed for good."""
        if self._opened is not None:
            self._opened.closing()

    def closed(self) -> None:
        """Note that all connections have been closed for good."""
        if self._opened is not None:
            self._opened.closed()

    def shut(self) -> bool:
        """Wait until no transaction is under way, and let none begin: neither connections nor locks survive a fork."""
        return self._gate.shut()

    def reopen(self) -> None:
        """Let transactions begin again."""
        self._gate.open()

    def left_to_parent(self) -> None:
        """Begin anew in a forked process."""
        if self._opened is not None:
            self._opened.left_to_parent()
        self._begin()


def _open_engine(url: URL, file: SqliteFile | None, **pool: Any) -> Engine:
    module = library.driver()
    engine = create_engine(url, module=module, connect_args={"check_same_thread": False}, hide_parameters=True, **pool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        library.prepare(connection, module)
        if file is not None:
            file.opened(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A write transaction takes its lock at once: upgrading a read lock later can fail with "locked".
        write = connection.get_execution_options().get("questline_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
