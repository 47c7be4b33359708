"""What a database's error means for what may be done next, whatever the database calls it."""

from __future__ import annotations

from enum import Flag, auto
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:  # which imports this module
    from questline_persistence.dialects.dialect import Dialect


class Meaning(Flag):
    """What a dialect reads from an error; several may be true of one, and none of most."""

    #: The same transaction may succeed if it is tried again.
    PASSES = auto()
    #: It passes with the session that met it, which is not to be used again.
    OF_SESSION = auto()
    #: What was sent together may pass when it is sent one by one.
    OF_STATEMENT = auto()
    #: Somebody else kept a lock for too long, which is nobody's fault here.
    LOCKED = auto()
    #: The server itself refused, and goes on: then a COMMIT has certainly not been made.
    ANSWERED = auto()
    #: The store cannot be used now.
    UNREACHABLE = auto()
    #: No session can be opened with what the URL asks for.
    MISCONFIGURED = auto()
    #: This user may not do it.
    FORBIDDEN = auto()
    #: A table, a column or a schema of ours is not there, or is of another type.
    NOT_OURS = auto()
    #: A table or an index of one of our names is there already, and is somebody else's.
    TAKEN = auto()
    #: A row is in the way that the caller's own transaction, isolated as it is, does not see.
    UNSEEN = auto()
    #: There is no transaction that a savepoint could be part of.
    NO_TRANSACTION = auto()


#: What most errors mean: that trying again does not help.
NOTHING = Meaning(0)


def meaning_of(error: BaseException, dialect: Dialect) -> Meaning:
    """Return what an error means that a statement of this dialect has met, be it the database's or another."""
    if isinstance(error, PoolTimeout):
        return Meaning.PASSES
    if not isinstance(error, DBAPIError):
        return NOTHING
    found = dialect.meaning(error)
    return (found | Meaning.PASSES) & ~Meaning.ANSWERED if error.connection_invalidated else found
