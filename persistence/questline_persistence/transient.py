"""Which database errors pass by themselves: the one list of them."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

#: PostgreSQL error classes (SQLSTATE prefixes) after which the same transaction may succeed: serialization
#: failure, deadlock, connection exceptions, operator intervention, resources that ran out, a lock, a statement or a
#: session that timed out, and a server that is read-only while another takes over.
TRANSIENT_SQLSTATES = ("40001", "40P01", "08", "57P", "53", "55P03", "57014", "25P0", "25006")
#: SQLite messages that pass: another writer, or a disk that may get room again.
TRANSIENT_SQLITE = ("database is locked", "database table is locked", "database is busy", "disk is full")


def unmasked(error: SQLAlchemyError) -> SQLAlchemyError:
    """Return the error behind one that only says that a savepoint is gone.

    SQLite ends the whole transaction when its disk is full, and the way back to the savepoint then fails as well.
    """
    behind: BaseException | None = error
    while behind is not None and "no such savepoint" in str(behind):
        behind = behind.__context__
    return behind if isinstance(behind, SQLAlchemyError) else error


def is_transient(error: BaseException) -> bool:
    """Return whether trying the transaction again may help."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state:
        return state.startswith(TRANSIENT_SQLSTATES)
    if type(error.orig).__module__.startswith("psycopg"):
        return type(error.orig).__name__ in {"OperationalError", "ConnectionTimeout"}
    text = str(error.orig)
    return any(message in text for message in TRANSIENT_SQLITE)
