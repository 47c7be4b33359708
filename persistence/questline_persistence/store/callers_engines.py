"""The engines of callers who submit quests within transactions of their own: each is asked once where it leads."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from questline_persistence.dialects import Dialect, Place
from questline_persistence.errors import ConfigurationError


class CallersEngines:
    """Knows which engines lead to the database of one store.

    Parameters:
      dialect: knows how to ask a connection where it leads.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: weakref.WeakSet[Engine] = weakref.WeakSet()

    def check(self, connection: Connection, ours: Callable[[], Place]) -> None:
        """Make sure that a caller's own connection is to the database that the quests are in.

        Parameters:
          connection: the caller's; it is asked only if it is the first of its engine.
          ours: returns which database the quests are in.

        Raises:
          ConfigurationError: it is to another one.
        """
        if connection.engine in self._known:
            return
        found, wanted = self._dialect.place(connection), ours()
        if found != wanted:
            message = f"the connection is to {found.name}; the quests are in {wanted.name}"
            raise ConfigurationError(message, hint="pass a connection to the database that holds the quests")
        self._known.add(connection.engine)
