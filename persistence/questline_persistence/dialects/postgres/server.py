"""Looks at a PostgreSQL server: whether it can be written, and whether it keeps sessions for one client."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from questline_persistence.dialects.postgres.sessions import is_pooled
from questline_persistence.dialects.server import Server
from questline_persistence.dialects.transactions import Transactions
from questline_persistence.ids import new_claim_id

_STATE = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"
_KEEP = "SELECT set_config('questline.trial', %(value)s, false)"
_KEPT = "SELECT current_setting('questline.trial', true)"
#: How often two sessions take turns: a pooler may give one the same server as before, by chance.
_ROUNDS = 3


def server_of(store: Transactions) -> Server:
    """Return what the server is and how it is reached, after trying a setting and a prepared statement."""

    def work(connection: Connection) -> tuple[bool, bool, bool]:
        standby, read_only = connection.exec_driver_sql(_STATE).one()
        return standby, read_only, is_pooled(connection)

    standby, read_only, pooled = store.read(work)
    return Server(standby, read_only, pooled, not pooled and not _keeps_sessions(store))


def _keeps_sessions(store: Transactions) -> bool:
    """Tell whether a session keeps a setting and a prepared statement while others have their turn."""

    def work(connection: Connection) -> bool:
        own: Any = connection.connection.dbapi_connection
        kept = new_claim_id()
        own.commit()
        own.autocommit = True  # as step statements are sent
        own.execute(_KEEP, {"value": kept})
        try:
            found = {store.read(lambda _: own.execute(_KEPT, prepare=True).fetchone()[0]) for _ in range(_ROUNDS)}
        except connection.dialect.loaded_dbapi.Error:  # the prepared statement is not there any more
            return False
        finally:
            own.autocommit = False
        return found == {kept}

    return store.read(work)
