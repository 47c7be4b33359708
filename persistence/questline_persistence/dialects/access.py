"""The way to one store: how its database is opened, and what goes on around its transactions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine

from questline_persistence.clock import Reading


class Access(Protocol):
    """A dialect's part in one opened store. It begins anew in a forked process."""

    @property
    def name(self) -> str:
        """The store's URL without its password, for people."""
        ...

    @property
    def file(self) -> Path | None:
        """The file that the store is, whatever folder this process goes to later; None if it is none."""
        ...

    @property
    def is_missing(self) -> bool:
        """Whether there is no store yet, and opening it would make it."""
        ...

    @property
    def has_one_connection(self) -> bool:
        """Whether all threads use one connection in turn."""
        ...

    @property
    def entry(self) -> AbstractContextManager[object]:
        """Held around each transaction, from before it has a connection."""
        ...

    @property
    def write_lock(self) -> AbstractContextManager[object]:
        """Held for as long as a transaction writes; to be looked up once there is a connection."""
        ...

    def open_engine(self) -> Engine:
        """Return a new engine.

        Raises:
          ConfigurationError: this process may not open the store.
          StoreUnavailable: it cannot.
        """
        ...

    def prepare_for_steps(self, connection: Connection) -> None:
        """Make a new connection fit for step statements: those of claims and checkpoints, and of single submissions."""
        ...

    def opening(self, connection: Connection, *, alone: bool, joined: bool = False) -> str | None:
        """Return what begins the transaction of step statements; None where each is one of its own.

        Parameters:
          alone: whether they hold one item only, and may take long.
          joined: whether they are one transaction in any case; of several items, it waits for no lock for long.
        """
        ...

    def read_time(self, engine: Callable[[], Engine]) -> Reading:
        """Read the database's time.

        Parameters:
          engine: returns the engine; it is not opened where the time is this machine's.
        """
        ...

    def back_up(self, engine: Callable[[], Engine], path: Path, tables: Collection[str]) -> None:
        """Write the store, as it is at one moment, into a new file, while others go on.

        Parameters:
          engine: returns the engine.
          path: the file, which is there and empty.
          tables: the names of our tables.

        Raises:
          ConfigurationError: what it takes is not installed.
          StoreUnavailable: it did not work.
        """
        ...

    def look_at_backup(self, path: Path) -> set[str]:
        """Make sure that a file is a whole backup of such a store; return the names of its tables.

        Raises:
          PayloadError: it is not.
          ConfigurationError: what it takes to look is not installed.
        """
        ...

    def restore(self, engine: Callable[[], Engine], path: Path) -> None:
        """Bring back the tables that a file holds in place of those that are there, in one transaction.

        Parameters:
          engine: returns the engine.
          path: a backup that was looked at.

        Raises:
          StoreUnavailable: it did not work.
        """
        ...

    def is_replaced(self) -> bool:
        """Return whether what the connections have open is no longer the store."""
        ...

    def committed(self) -> None:
        """Note a commit; the write lock is held."""
        ...

    def closing(self) -> None:
        """Note that all connections are about to be closed for good."""
        ...

    def closed(self) -> None:
        """Note that all connections have been closed for good."""
        ...

    def shut(self) -> bool:
        """Let no transaction begin while the process forks; return whether connections must be closed for it."""
        ...

    def reopen(self) -> None:
        """Let transactions begin again."""
        ...

    def left_to_parent(self) -> None:
        """Begin anew in a forked process: what its parent has open stays the parent's."""
        ...
