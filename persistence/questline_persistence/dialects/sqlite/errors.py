"""What SQLite's errors mean: by their words, since Python's driver tells no more of them in all of its versions."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from questline_persistence.dialects.meaning import NOTHING, Meaning

#: What passes: another writer, or a disk that may get room again.
_PASSING = ("database is locked", "database table is locked", "database is busy", "disk is full")
#: What passes once the file may be written again, but for a connection that was opened while it could only be read.
_READ_ONLY = "readonly database"
_NOT_OURS = ("no such table", "no such column")
_TAKEN = " already exists"
_NO_STORE = "not a database"
_UNREACHABLE = {"OperationalError", "InterfaceError"}


def meaning(error: DBAPIError) -> Meaning:
    """Return what an error means."""
    text = str(error.orig)
    first = text.strip().partition("\n")[0]
    found = NOTHING
    if any(words in text for words in _PASSING):
        found |= Meaning.PASSES
    if _READ_ONLY in text:
        found |= Meaning.PASSES | Meaning.OF_SESSION
    if type(error.orig).__name__ in _UNREACHABLE or _NO_STORE in first:
        found |= Meaning.UNREACHABLE
    if first.startswith(_NOT_OURS):
        found |= Meaning.NOT_OURS
    if first.endswith(_TAKEN):
        found |= Meaning.TAKEN
    return found


def cause(error: SQLAlchemyError) -> SQLAlchemyError:
    """Return the error behind one that only says that a savepoint is gone.

    SQLite ends the whole transaction when its disk is full, and the way back to the savepoint then fails as well.
    """
    behind: BaseException | None = error
    while behind is not None and "no such savepoint" in str(behind):
        behind = behind.__context__
    return behind if isinstance(behind, SQLAlchemyError) else error
