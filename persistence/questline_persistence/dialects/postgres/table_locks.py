"""Changes tables of PostgreSQL under running workers: in short tries, so that nobody waits long behind one.

A change of a table waits for everybody who has read from it in a transaction still under way, such as a backup; and
whoever comes later, be it a claim or a submission, waits behind the change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial

from sqlalchemy import Connection, text

from questline_persistence.dialects.store_errors import Overtime
from questline_persistence.dialects.transactions import Transactions
from questline_persistence.errors import ConfigurationError, StoreUnavailable
from questline_persistence.log import get_logger

log = get_logger(__name__)

#: How long a change waits for the tables, and everybody else behind it, in milliseconds.
WAIT_MS = 2_000
#: How long everybody else may go on before the next try, in seconds.
PAUSE_SECONDS = 2.0
#: How often to try.
TRIES = 15
#: Keeps two processes from migrating one database at once.
_LOCK = 7_318_512
#: The oldest transactions of others that have our tables locked.
_HOLDERS = text(
    "SELECT DISTINCT a.pid, coalesce(nullif(a.application_name, ''), a.usename::text, '') AS who, a.xact_start "
    "FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) "
    "WHERE l.granted AND l.pid <> pg_backend_pid() AND l.relation = ANY (SELECT oid FROM pg_class "
    "WHERE relnamespace = current_schema()::regnamespace) ORDER BY a.xact_start, a.pid LIMIT 3"
)
_UNCHECKED = text(
    "SELECT conrelid::regclass::text, conname FROM pg_constraint "
    "WHERE NOT convalidated AND connamespace = current_schema()::regnamespace"
)


def with_tables_locked(store: Transactions, change: Callable[[Connection], object]) -> None:
    """Make a change of the tables in one transaction, after whoever migrates the same database now.

    Raises:
      StoreUnavailable: others have kept the tables locked all the while; the hint names them.
    """

    def work(connection: Connection) -> None:
        connection.execute(text("SET LOCAL lock_timeout = 0"))  # another one's migration may take long
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        connection.execute(text(f"SET LOCAL lock_timeout = {WAIT_MS}"))
        change(connection)

    for number in range(1, TRIES + 1):
        try:
            store.write(work, at="migrate", limited=True)
        except Overtime as error:
            holders = _holders(store)
            if number == TRIES or not error.blocked:
                raise StoreUnavailable(f"cannot change the tables of {store.name}: {error}", hint=holders) from error
            log.warning("migration_waits", reason=str(error), hint=holders)
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _holders(store: Transactions) -> str:
    """Return who keeps the tables, and what to do about it."""
    rows = store.read(lambda connection: connection.execute(_HOLDERS).all())
    names = ", ".join(f"{row.pid} ({row.who})" for row in rows) or "none to be seen by this user"
    return f"wait until the transactions that read them have ended, or end them: {names}"


def validate(store: Transactions, tables: Collection[str]) -> None:
    """Have rows of these tables checked against constraints that were changed, while others read and write them."""
    found = store.read(lambda connection: connection.execute(_UNCHECKED).all())
    for table, name in found:
        if table in tables:
            change = text(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
            store.write(partial(Connection.execute, statement=change), at="migrate")


def require_utf8(store: Transactions) -> None:
    """Make sure that the database can hold what handlers return and raise.

    Raises:
      ConfigurationError: its encoding is another one.
    """
    encoding = store.read(lambda connection: connection.execute(text("SHOW server_encoding")).scalar_one())
    if encoding != "UTF8":
        message = f"the database {store.name} has the encoding {encoding}, and questline needs UTF8"
        raise ConfigurationError(message, hint="CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0")
