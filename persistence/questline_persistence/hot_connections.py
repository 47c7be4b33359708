"""Connections kept for the statements on a step's way: to the pool and back takes as long as one of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from questline_persistence.driver import execute

#: How PostgreSQL plans hot statements: once, by primary keys. What is known of the tables' sizes may stem from when
#: they were empty, and a plan that reads all tickets where it should look up one costs more with each quest that waits.
_PLANNING = (
    "plan_cache_mode = force_generic_plan",
    "enable_seqscan = off",
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "jit = off",
)


def plan_by_keys(connection: Connection) -> None:
    """Have the rest of a transaction planned as hot statements are."""
    if connection.dialect.name == "postgresql":
        execute(connection, "".join(f"SET LOCAL {setting};" for setting in _PLANNING))


class HotConnections:
    """The hot connections of a store: as many as have been lent at once.

    Those that are not lent are closed when the engine is disposed of.

    Parameters:
      engine: opens connections.
      shared: whether the engine has but one connection, which all use in turn.
    """

    def __init__(self, engine: Engine, *, shared: bool) -> None:
        self._engine = engine
        self._shared = shared
        self._kept: deque[Connection] = deque()
        event.listen(engine, "engine_disposed", self._close)

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """Lend a connection; one that met an error is not used again."""
        try:
            connection = self._kept.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        except BaseException:
            self._drop(connection)
            raise
        self._kept.append(connection)

    def _close(self, _engine: Engine) -> None:
        while self._kept:
            self._drop(self._kept.pop())

    def _open(self) -> Connection:
        connection = self._engine.connect()
        if not self._shared:
            connection.detach()
        if self._engine.dialect.name == "postgresql":
            own: Any = connection.connection.dbapi_connection
            own.autocommit = True
            execute(connection, "".join(f"SET {setting};" for setting in _PLANNING))
        return connection

    def _drop(self, connection: Connection) -> None:
        """Close a connection that may be broken; SQLAlchemy would try to roll it back first, and log that it cannot."""
        if self._shared:
            connection.close()
            return
        own: Any = connection.connection.dbapi_connection
        connection.invalidate()
        own.close()
