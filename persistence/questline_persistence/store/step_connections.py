"""Connections kept for step statements: to the pool and back takes as long as one of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event

from questline_persistence.dialects import Access, Dialect, Meaning, meaning_of
from questline_persistence.errors import QuestlineError

#: How many connections are kept from what may wait long for others' locks: for the results and the claims of all else.
FOR_OTHERS = 2
#: Seconds after which a connection that nobody has wanted is closed, once another one is given back.
IDLE_SECONDS = 60.0


class StepConnections:
    """The connections of a store for step statements: as many as were lent at once of late, up to a limit.

    All are closed when the engine is disposed of, those that are lent when they come back.

    Parameters:
      engine: opens connections.
      dialect: knows what an error says of the others.
      access: the way to the store, by which they are made fit.
      most: how many are lent at a time; whoever wants another one waits.
    """

    def __init__(self, engine: Engine, dialect: Dialect, access: Access, *, most: int) -> None:
        self._engine = engine
        self._dialect = dialect
        self._access = access
        #: Each with the moment since when nobody has it, the one that was lent last at the end.
        self._kept: deque[tuple[_Opened, float]] = deque()
        self._places = threading.BoundedSemaphore(most)
        self._long_places = threading.BoundedSemaphore(max(1, most - FOR_OTHERS))
        self._closings = 0
        event.listen(engine, "engine_disposed", lambda _: self.close())

    @contextmanager
    def lent(self, *, long: bool = False) -> Iterator[Connection]:
        """Lend a connection, as soon as there is one; one that met an error of the database is not used again.

        Parameters:
          long: whether it may wait long for others' locks; so it gets none of the last ones.
        """
        with self._long_places if long else nullcontext(), self._places:
            closings = self._closings
            try:
                opened, _ = self._kept.pop()
            except IndexError:
                opened = self._open()
            try:
                yield opened.connection
                self._keep(opened, closings)
            except QuestlineError:  # an answer, for which the connection is as good as before
                self._keep(opened, closings)
                raise
            except BaseException as error:
                self._give_up(opened, error)
                raise

    def _keep(self, opened: _Opened, closings: int) -> None:
        """Keep a connection, unless those that were open with it have been closed meanwhile."""
        if closings != self._closings:
            self._drop(opened)
            return
        if opened.connection.in_transaction():  # SQLAlchemy's own, which whatever went past `execute` has begun
            opened.connection.rollback()
        now = time.monotonic()
        self._kept.append((opened, now))
        with suppress(IndexError):
            while now - self._kept[0][1] > IDLE_SECONDS:
                self._drop(self._kept.popleft()[0])

    def _give_up(self, opened: _Opened, error: BaseException) -> None:
        """Close a connection that met an error, and those that are kept if they are likely to meet it as well."""
        ended = getattr(opened.driver, "closed", False) or Meaning.OF_SESSION in meaning_of(error, self._dialect)
        self._drop(opened)
        if ended:
            self.close()

    def close(self) -> None:
        """Close those that are not lent now, and those that are when they come back."""
        self._closings += 1
        with suppress(IndexError):
            while True:
                self._drop(self._kept.pop()[0])

    def _open(self) -> _Opened:
        connection = self._engine.connect()
        opened = _Opened(connection, connection.connection.dbapi_connection)
        if not self._access.has_one_connection:
            connection.detach()
        try:
            self._access.prepare_for_steps(connection)
        except BaseException:
            self._drop(opened)
            raise
        return opened

    def _drop(self, opened: _Opened) -> None:
        """Close a connection that may be broken; SQLAlchemy would try to roll it back first, and log that it cannot."""
        if self._access.has_one_connection:
            opened.connection.close()
            return
        opened.connection.invalidate()
        opened.driver.close()


class _Opened(NamedTuple):
    """A connection, and the driver's own: SQLAlchemy's does not tell it once it has noticed that it is broken."""

    connection: Connection
    driver: Any
