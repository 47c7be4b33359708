"""Which database errors pass by themselves, and what about them has to change first: the one list of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

#: PostgreSQL error classes (SQLSTATE prefixes) after which the same transaction may succeed: serialization
#: failure, deadlock, connection exceptions, operator intervention, resources that ran out, a lock, a statement or a
#: session that timed out, and a server that is read-only while another takes over.
TRANSIENT_SQLSTATES = ("40001", "40P01", "08", "57P", "53", "55P03", "57014", "25P0", "25006")
#: SQLite messages that pass: another writer, or a disk that may get room again.
TRANSIENT_SQLITE = ("database is locked", "database table is locked", "database is busy", "disk is full")
#: Of them, what a new session may be spared, while the same one may never be: it stays read-only after a failover, or
#: lacks a prepared statement, or has one of that name already, as behind a pooler.
_OF_THE_SESSION = ("25006", "26000", "42P05")
#: Of them, what one statement may have brought on itself, by its size or by the rows that it needs: it took too long,
#: waited for a lock, or took too much memory.
_OF_THE_STATEMENT = ("57014", "55P03", "53200", "53400")
#: PostgreSQL's function that finds a prepared statement out of date, since a table was altered; the error's words are
#: in the server's language, and its SQLSTATE is one of many that last.
_OUTDATED = "RevalidateCachedQuery"
#: What a wrong option of the URL is answered with, by the driver itself or by the server's first word.
_MISCONFIGURED = (
    "connection is bad: invalid ",
    "connection is bad: definition of service",
    "bad value for",
    "unrecognized configuration parameter",
    "invalid value for parameter",
    "invalid command-line argument",
)


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
    if error.connection_invalidated or is_of_session(error):
        return True
    if state := sqlstate(error):
        return state.startswith(TRANSIENT_SQLSTATES)
    if type(error.orig).__module__.startswith("psycopg"):
        unanswered = type(error.orig).__name__ in {"OperationalError", "ConnectionTimeout"}
        return unanswered and not is_misconfigured(error)
    text = str(error.orig)
    return any(message in text for message in TRANSIENT_SQLITE)


def is_of_session(error: BaseException) -> bool:
    """Return whether the error passes with the session that met it, which is not to be used again."""
    if not isinstance(error, DBAPIError):
        return False
    return (sqlstate(error) or "").startswith(_OF_THE_SESSION) or _function(error) == _OUTDATED


def is_of_statement(error: BaseException) -> bool:
    """Return whether what was sent together may pass when it is sent one by one."""
    return isinstance(error, DBAPIError) and (sqlstate(error) or "").startswith(_OF_THE_STATEMENT)


def is_lock(error: BaseException) -> bool:
    """Return whether somebody else kept a lock for too long, which is nobody's fault here."""
    return isinstance(error, DBAPIError) and sqlstate(error) == "55P03"


def is_answered(error: DBAPIError) -> bool:
    """Return whether the server itself refused, and goes on: then a COMMIT has certainly not been made."""
    return sqlstate(error) is not None and not error.connection_invalidated


def is_misconfigured(error: DBAPIError) -> bool:
    """Return whether no session can be opened with what the URL asks for."""
    text = str(error.orig)
    return sqlstate(error) is None and any(words in text for words in _MISCONFIGURED)


def sqlstate(error: DBAPIError) -> str | None:
    """Return PostgreSQL's code of an error, or None where it is not the server's or not PostgreSQL's."""
    code = getattr(error.orig, "pgcode", None)  # what psycopg2, as a caller's driver, has of it
    state: str | None = getattr(error.orig, "sqlstate", code)
    return state


def _function(error: DBAPIError) -> str | None:
    diagnosis: Any = getattr(error.orig, "diag", None)
    function: str | None = getattr(diagnosis, "source_function", None)
    return function
