"""The schema of a store in memory, migrated once in a process and copied from then on.

Migrations take a tenth of a second, which such a store, of a test or of a script, may be made too often for.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from typing import Any

from questline_persistence.dialects import forks
from questline_persistence.store import Database


class PreparedSchema:
    """A store in memory that has the newest schema and no rows.

    Parameters:
      migrate: brings a store up to the newest schema.
    """

    def __init__(self, migrate: Callable[[Database], object]) -> None:
        self._migrate = migrate
        self._changing = forks.new_lock()
        self._made: tuple[int, Database] | None = None

    def copy_to(self, database: Database) -> None:
        """Give a store in memory the schema, in which nothing is yet."""
        with self._changing:
            source = self._prepared()
            with source.engine.connect() as of, database.engine.connect() as to:
                driver: Any = of.connection.driver_connection  # one of SQLite's, as every store in memory has
                driver.backup(to.connection.driver_connection)

    def _prepared(self) -> Database:
        """Return the store to copy from: one of this very process, for no connection survives a fork."""
        if self._made is None or self._made[0] != os.getpid():
            prepared = Database(":memory:")
            self._migrate(prepared)
            self._made = (os.getpid(), prepared)
            atexit.register(prepared.close)
        return self._made[1]
