"""What a store's error is called on our side: the one place where a driver's error becomes one of ours."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from questline_persistence.dialects.meaning import Meaning
from questline_persistence.errors import (
    ConfigurationError,
    NotAllowed,
    PayloadError,
    QuestlineError,
    StoreUnavailable,
)

_UNREACHABLE_HINT = (
    "check the URL, that the server runs, and that this user may write there; `questline doctor` tells more"
)
_FORBIDDEN_HINT = (
    "GRANT the role USAGE on the schema (CREATE too for `questline db upgrade`), SELECT, INSERT, UPDATE, DELETE on its "
    "tables and USAGE on its sequences"
)
_CHANGED_HINT = "run `questline db check`, and check which schema the search_path of this user names"
_TAKEN_HINT = (
    "give questline a schema of its own (CREATE SCHEMA questline, and ?options=-csearch_path%3Dquestline at the end of "
    "the URL), another database or, with SQLite, another file"
)
_POOL_HINT = "raise QUESTLINE_POOL_SIZE, or use the database from fewer threads at a time"
_OPTIONS_HINT = "correct the options after the ? of the database URL; questline takes the options of libpq"


class StoreRefused(QuestlineError):
    """The database refuses a row because of a trigger or a rule that somebody added.

    What to do:
      Read the database's own words in the message, and correct the trigger, rule or constraint that somebody added
      to questline's tables.
    """


class Overtime(Exception):
    """What was sent took too long, or too much, of the store: each part of it is to be tried again alone.

    Parameters:
      reason: what the store said.
      blocked: whether it waited for somebody's lock all the while.
    """

    def __init__(self, reason: str, *, blocked: bool) -> None:
        super().__init__(reason)
        self.blocked = blocked


#: What `explained` returns where the store does not take what was sent, and will not later.
REFUSALS = (StoreRefused, NotAllowed, PayloadError, IntegrityError)


def explained(error: SQLAlchemyError, store: str, meaning: Meaning) -> Exception:
    """Return the error to raise: what others can mend in words, our own mistakes as they are.

    Parameters:
      error: what a transaction has met.
      store: the store's name for people.
      meaning: what the error means, as its dialect says.
    """
    if not isinstance(error, DBAPIError):
        return _unasked(error, store)
    reason = reason_of(error)
    if isinstance(error, DataError):
        return PayloadError(f"the database {store} refuses a value: {reason}")
    if Meaning.MISCONFIGURED in meaning:
        return ConfigurationError(f"cannot use the database {store}: {reason}", hint=_OPTIONS_HINT)
    if Meaning.TAKEN in meaning:
        message = f"the database {store} has a table of another application that is in the way: {reason}"
        return ConfigurationError(message, hint=_TAKEN_HINT)
    if meaning & (Meaning.PASSES | Meaning.UNREACHABLE):
        return StoreUnavailable(f"cannot use the database {store}: {reason}", hint=_UNREACHABLE_HINT)
    return _refusal(error, store, meaning)


def _unasked(error: SQLAlchemyError, store: str) -> Exception:
    """Return the error to raise where the store was not even asked."""
    if isinstance(error, PoolTimeout):
        message = f"all connections of this process to the database {store} were in use for too long"
        return StoreUnavailable(message, hint=_POOL_HINT)
    return StoreUnavailable(f"cannot use the database {store}: {error}")


def _refusal(error: DBAPIError, store: str, meaning: Meaning) -> Exception:
    """Return the error to raise where the store has answered, and will not answer otherwise."""
    reason = reason_of(error)
    if Meaning.FORBIDDEN in meaning:
        return NotAllowed(f"this user may not use the database {store}: {reason}", hint=_FORBIDDEN_HINT)
    if Meaning.NOT_OURS in meaning:
        return ConfigurationError(
            f"the schema of the database {store} is not questline's: {reason}", hint=_CHANGED_HINT
        )
    if isinstance(error, IntegrityError):  # the last guard against a mistake of ours
        return error
    return StoreRefused(f"the database {store} refuses this: {reason}")


def reason_of(error: SQLAlchemyError) -> str:
    """Return the first line of what the database said."""
    said = getattr(error, "orig", None) or error
    return str(said).strip().splitlines()[0] if str(said).strip() else type(said).__name__


def hide_values(error: BaseException, raised: BaseException | None = None) -> None:
    """Keep what a driver's error says down to its first sentence: what PostgreSQL adds repeats rows and parameters.

    Parameters:
      raised: SQLAlchemy's error for it, which repeats it.
    """
    diagnosis: Any = getattr(error, "diag", None)
    if primary := getattr(diagnosis, "message_primary", None):
        error.args = (primary,)
        if raised is not None:
            raised.args = (f"({type(error).__module__}.{type(error).__name__}) {primary}",)
