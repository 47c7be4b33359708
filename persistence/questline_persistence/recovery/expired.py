"""What has expired of what Lords remember: nobody finds it any more, and this frees its space."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Select, Table, delete, select

from questline_persistence.kinds import ENTRIES
from questline_persistence.schema import table_of
from questline_persistence.store import Database

#: Most rows of a kind that one call removes.
MAX_AT_ONCE = 1_000
_EXPIRING = [table_of(kind) for kind in ENTRIES if kind.expires]


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
        # Mostly there is nothing, and a look keeps nobody from writing.
        if not self._database.read(lambda connection: any(self._oldest(connection, moment))):
            return 0
        return self._database.write(lambda connection: self._remove(connection, moment), at="forget")

    def _oldest(self, connection: Connection, now: float) -> Iterator[int]:
        """Yield the ids of what expired first, kind by kind."""
        for entries in _EXPIRING:
            yield from connection.execute(self._over(entries, now)).scalars()

    def _remove(self, connection: Connection, now: float) -> int:
        gone = (delete(entries).where(entries.c.id.in_(self._over(entries, now))) for entries in _EXPIRING)
        return sum(connection.execute(statement).rowcount for statement in gone)

    def _over(self, entries: Table, now: float) -> Select[int]:
        over = (entries.c.namespace == self._namespace, entries.c.expires_time <= now)
        return select(entries.c.id).where(*over).order_by(entries.c.expires_time).limit(MAX_AT_ONCE)
