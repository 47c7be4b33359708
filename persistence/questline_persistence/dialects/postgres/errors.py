"""What PostgreSQL's errors mean: by its own codes (SQLSTATE), or by the driver's words where no server has answered."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from questline_persistence.dialects.meaning import NOTHING, Meaning

#: Error classes (SQLSTATE prefixes) after which the same transaction may succeed: serialization failure, deadlock,
#: connection exceptions, operator intervention, resources that ran out, a lock, a statement or a session that timed
#: out, and a server that is read-only while another takes over.
_PASSING = ("40001", "40P01", "08", "57P", "53", "55P03", "57014", "25P0", "25006")
#: What a new session may be spared, while the same one may never be: it stays read-only after a failover, or lacks a
#: prepared statement, or has one of that name already, as behind a pooler.
_OF_SESSION = ("25006", "26000", "42P05")
#: What one statement may have brought on itself, by its size or by the rows that it needs: it took too long, waited for
#: a lock, or took too much memory.
_OF_STATEMENT = ("57014", "55P03", "53200", "53400")
#: What else a code means, by its beginning.
_CODES: Final[dict[Meaning, tuple[str, ...]]] = {
    Meaning.PASSES: (*_PASSING, *_OF_SESSION),
    Meaning.OF_SESSION: _OF_SESSION,
    Meaning.OF_STATEMENT: _OF_STATEMENT,
    Meaning.LOCKED: ("55P03",),
    Meaning.FORBIDDEN: ("42501",),
    Meaning.NOT_OURS: ("42P01", "42703", "42804", "42883", "3F000"),
    Meaning.TAKEN: ("42P07", "42710"),
    Meaning.UNSEEN: ("40001",),
    Meaning.NO_TRANSACTION: ("25P01",),
}
#: The function that finds a prepared statement out of date, since a table was altered; the error's words are in the
#: server's language, and its SQLSTATE is one of many that last.
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
#: The driver's errors where no server has answered.
_UNANSWERED = {"OperationalError", "ConnectionTimeout"}


def meaning(error: DBAPIError) -> Meaning:
    """Return what an error means, whatever driver has raised it."""
    kind, state = type(error.orig).__name__, _sqlstate(error)
    found = Meaning.UNREACHABLE if kind in {*_UNANSWERED, "InterfaceError"} else NOTHING
    if _function(error) == _OUTDATED:
        found |= Meaning.PASSES | Meaning.OF_SESSION
    if state is not None:
        found |= Meaning.ANSWERED
        for each, codes in _CODES.items():
            if state.startswith(codes):
                found |= each
    elif any(words in str(error.orig) for words in _MISCONFIGURED):
        found |= Meaning.MISCONFIGURED
    elif kind in _UNANSWERED:
        found |= Meaning.PASSES
    return found


def _sqlstate(error: DBAPIError) -> str | None:
    """Return the server's code of an error, or None where it is not the server's."""
    code = getattr(error.orig, "pgcode", None)  # what psycopg2, as a caller's driver, has of it
    state: str | None = getattr(error.orig, "sqlstate", code)
    return state


def _function(error: DBAPIError) -> str | None:
    """Return in which of its functions the server met the error."""
    diagnosis: Any = getattr(error.orig, "diag", None)
    function: str | None = getattr(diagnosis, "source_function", None)
    return function
