"""The way to a store on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from questline_persistence.clock import Reading
from questline_persistence.dialects import driver
from questline_persistence.dialects.pool_limits import PoolLimits
from questline_persistence.dialects.postgres import backups, sessions
from questline_persistence.dialects.postgres.url import shown

_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


class ServerAccess:
    """The way to a store that a server keeps, in order and for as many processes as there are.

    Parameters:
      url: the store's.
      fresh: returns the URL, anew for each connection: its password may have changed.
      pool: how many connections there are at most.
      pooled: whether a pooler is known to share sessions among transactions.
    """

    is_missing = has_one_connection = False

    def __init__(self, url: URL, fresh: Callable[[], URL], *, pool: PoolLimits, pooled: bool) -> None:
        self.name = shown(url)
        self.file: Final = None
        self.entry: AbstractContextManager[object] = nullcontext()
        self.write_lock: AbstractContextManager[object] = nullcontext()
        self._fresh = fresh
        self._pool = pool
        self._pooled = pooled

    def open_engine(self) -> Engine:
        """Return a new engine, whose sessions rely on nothing but what they ask for."""
        return sessions.open_engine(self._fresh, pool=self._pool, pooled=self._pooled)

    def prepare_for_steps(self, connection: Connection) -> None:
        """Have each step statement commit itself, and all of them planned by keys, where the session is ours alone."""
        if not sessions.is_pooled(connection):
            own: Any = connection.connection.dbapi_connection
            own.autocommit = True
            driver.execute(connection, "".join(f"SET {name} = {value};" for name, value in sessions.FOR_STEPS.items()))

    def opening(self, connection: Connection, *, alone: bool, joined: bool = False) -> str | None:
        """Return what begins the transaction of step statements; None where each is one of its own."""
        if alone or joined or sessions.is_pooled(connection):
            settings = sessions.ALONE if alone else sessions.JOINED if joined else sessions.FOR_STEPS
            return sessions.opening(connection, settings)
        return None

    def read_time(self, engine: Callable[[], Engine]) -> Reading:
        """Read the server's time."""
        with engine().connect() as connection:
            try:
                if sessions.is_pooled(connection):
                    return driver.transaction(connection, _time_of, opening=sessions.opening(connection))
                return _time_of(connection.execution_options(isolation_level="AUTOCOMMIT"))
            except DBAPIError as error:
                connection.invalidate(error)  # what goes past SQLAlchemy is not seen by it either
                raise

    def back_up(self, engine: Callable[[], Engine], path: Path, tables: Collection[str]) -> None:  # noqa: ARG002  (the contract's)
        """Have `pg_dump` write our tables, as they are at one moment."""
        backups.dump(self._fresh(), path, tables)

    def look_at_backup(self, path: Path) -> set[str]:
        """Have `pg_restore` tell what is in a file."""
        return backups.look_at(path)

    def restore(self, engine: Callable[[], Engine], path: Path) -> None:  # noqa: ARG002  (the contract's)
        """Have `pg_restore` make the tables anew, in one transaction."""
        backups.restore(self._fresh(), path)

    def is_replaced(self) -> bool:
        """Return False: a session ends with what it leads to."""
        return False

    def committed(self) -> None:
        """Leave it to the server."""

    def closing(self) -> None:
        """Leave it to the server."""

    def closed(self) -> None:
        """Leave it to the server."""

    def shut(self) -> bool:
        """Return False: sessions stay with the parent, whose they remain."""
        return False

    def reopen(self) -> None:
        """Do nothing: nothing was shut."""

    def left_to_parent(self) -> None:
        """Do nothing: a new engine opens sessions of its own."""


def _time_of(connection: Connection) -> Reading:
    return Reading.of(lambda: float(driver.execute(connection, _NOW)[0][0]))
