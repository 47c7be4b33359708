"""The file of an SQLite store, as this process has it open: guarded, shown to others, its log kept short."""

from __future__ import annotations

import os
import weakref
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from questline_persistence.dialects import forks
from questline_persistence.dialects.sqlite import guard, presence
from questline_persistence.dialects.sqlite import library as sqlite_library
from questline_persistence.dialects.sqlite.write_lock import WriteLock
from questline_persistence.errors import ConfigurationError, StoreUnavailable

#: Commits after which the write-ahead log is checkpointed where connections do not do so by themselves.
COMMITS_PER_CHECKPOINT = 100
#: Growth of the log after which it is checkpointed earlier, in bytes: what SQLite takes by itself, 1,000 pages.
GROWTH_PER_CHECKPOINT = 4_000_000
#: How long a checkpoint waits for another's write before it is put off, in milliseconds.
PATIENCE_MS = 1_000
#: Held while it is decided whether other processes are to know of a file, so that nobody hides what another shows.
_showing = forks.new_lock()
#: The folder of the default's file, which is made where it is missing.
DEFAULT_FOLDER = ".questline"


def make_folder(folder: Path) -> None:
    """Make the default's folder; another one that is missing is the user's to make.

    Raises:
      ConfigurationError: it is another one.
      StoreUnavailable: it cannot be made.
      PermissionError: this user may not make it.
    """
    if folder.exists():
        return
    if folder.name != DEFAULT_FOLDER:
        raise ConfigurationError(
            f"the folder {folder} of the database does not exist", hint="make the folder, or correct the URL"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    except PermissionError:
        raise
    except OSError as error:
        raise StoreUnavailable(f"cannot make the folder {folder}: {error.strerror}") from error


class SqliteFile:
    """One store's file.

    Parameters:
      path: where it is.
      module: the SQLite library that opens it.
    """

    def __init__(self, path: str, module: ModuleType) -> None:
        self._path = Path(path).resolve()  # as SQLite does for the names of the log
        self._log = self._path.with_name(f"{self._path.name}-wal")
        self._module = module
        self._has_safe_log = sqlite_library.has_safe_log(module)
        if forks.has_inherited(self._path):
            # Locks do not pass a fork, but the library would take those that it had for this process's own.
            raise ConfigurationError(
                f"this process was forked while a connection to {path} was open, so it must not open the file again",
                hint="close connections of your own to that file before the fork, and fork outside of transactions",
            )
        #: Held by whoever writes the store.
        self.write_lock = WriteLock(self._path, module)
        self._watch: weakref.finalize[Any, Any] | None = None
        self._commits = self._length = 0
        self._name = str(self._path)  # a system's call takes a third of the time with it
        #: Which file the connections have open, by its device and number; None while there are none.
        self._opened: tuple[int, int] | None = None

    def opened(self, connection: Any) -> None:
        """Note that a connection has been opened and prepared."""
        is_logged = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        with _showing:
            if self._watch is None or not self._watch.alive:
                self._watch = guard.watch(self._path, self)
            self._opened = self._identity()
            if is_logged:  # else nobody could commit any more
                presence.show(self._path)

    def is_replaced(self) -> bool:
        """Return whether another file stands where the one that is open was.

        Raises:
          StoreUnavailable: no file stands there.
        """
        if self._opened is None:
            return False
        try:
            return self._identity() != self._opened
        except FileNotFoundError:
            raise StoreUnavailable(
                f"the file {self._path} was deleted while this process had it open",
                hint="put it back from a backup, or start this process again to begin with an empty store",
            ) from None
        except OSError:  # SQLite will tell
            return False

    def _identity(self) -> tuple[int, int]:
        found = os.stat(self._name)  # noqa: PTH116  (on each transaction's way)
        return found.st_dev, found.st_ino

    def left_to_parent(self) -> None:
        """Note that this process was forked from the one that has the file open."""
        self.write_lock.leave()
        if self._watch is not None:
            self._watch()

    def closing(self) -> None:
        """Note that all connections are about to be closed for good."""
        self._opened = None
        with _showing:
            if self._watch is not None and self._watch() and not guard.is_watched(self._path):
                presence.hide(self._path)

    def closed(self) -> None:
        """Note that all connections have been closed for good."""
        self.write_lock.close()

    def committed(self) -> None:
        """Keep the log short after a commit, where connections leave that to us; the write lock is held."""
        if self._has_safe_log:
            return
        self._commits += 1
        with suppress(OSError):
            length = self._log.stat().st_size
            if self._commits >= COMMITS_PER_CHECKPOINT or length > self._length + GROWTH_PER_CHECKPOINT:
                self._commits, self._length = 0, length
                with suppress(self._module.OperationalError):  # somebody writes for long; the next one, then
                    self._checkpoint()

    def _checkpoint(self) -> None:
        """Checkpoint the log while nobody can begin it anew: that is the race which this library loses."""
        with closing(self._connected()) as guard, closing(self._connected()) as connection:
            guard.execute("BEGIN IMMEDIATE")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            guard.execute("ROLLBACK")

    def _connected(self) -> Any:
        connection = self._module.connect(self._path, isolation_level=None)
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection
