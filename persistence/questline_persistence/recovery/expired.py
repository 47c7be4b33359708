"""What has expired of what Lords remember: nobody finds it any more, and this frees its space."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from questline_persistence.kinds import ENTRIES
from questline_persistence.schema import table_of
from questline_persistence.store import Database

#: Most rows of a kind that one call removes.
MAX_AT_ONCE = 1_000


class Expired:
    """Removes entries of one tenant whose time is over.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self._database = database
        self._namespace = namespace

    def remove(self, *, now: float | None = None) -> int:
        """Remove those that expired first, of each kind at most 1,000; return how many.

        Parameters:
          now: epoch seconds; None asks the database.
        """
        moment = self._database.clock.now() if now is None else now
        return self._database.write(lambda connection: self._remove(connection, moment), at="forget")

    def _remove(self, connection: Connection, now: float) -> int:
        removed = 0
        for entries in (table_of(kind) for kind in ENTRIES if kind.expires):
            over = (entries.c.namespace == self._namespace, entries.c.expires_time <= now)
            oldest = select(entries.c.id).where(*over).order_by(entries.c.expires_time).limit(MAX_AT_ONCE)
            removed += connection.execute(delete(entries).where(entries.c.id.in_(oldest))).rowcount
        return removed
