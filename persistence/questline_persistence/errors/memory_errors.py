"""What may go wrong with what Lords remember: two errors of its own, and other names for those that there are.

Code that was written for another store catches its errors by other names. Each is a name of the class that says what
the caller can do next, so that `except DatabaseError` and `except StoreUnavailable` catch the same.
"""

from __future__ import annotations

from typing import Any

from questline_persistence.errors.errors import ConfigurationError, PayloadError, QuestlineError, StoreUnavailable

_AGAIN = (
    "load it again, and save what you make of that with its version; `update` does both for the state of an agent, and "
    "what is only added (`append`) never conflicts"
)


class NotFound(QuestlineError):
    """Nothing of that name is remembered: no agent, task, session, snapshot, context, list, lesson or run.

    Or it was deleted, or has expired.

    What to do:
      Check the name, the namespace and the key prefix: another one holds other things.
    """

    code = "not_found"


class Conflict(QuestlineError):
    """Somebody else has saved what you wanted to save since you loaded it; questline has changed nothing.

    Or an entry of this id is there already, and says something else.

    Parameters:
      message: what was tried, and which version is there.
      current: the record as it is now; None where there is none.
      expected: the version that the save was meant for; None where no version was meant.
      hint: the next step.

    What to do:
      Load it again, and save what you make of the new version; `error.current` holds it already. `update` does both,
      as often as it takes. If all you want is to add, append: events, transitions and history never conflict.
    """

    code = "conflict"

    def __init__(
        self, message: str, *, current: Any = None, expected: int | None = None, hint: str | None = _AGAIN
    ) -> None:
        super().__init__(message, hint=hint)
        self.current = current
        self.expected = expected


class EncryptionError(ConfigurationError):
    """What is stored cannot be read or searched because of its encryption.

    Its key is not among those that this process has, or it does not stand where questline has written it.

    Parameters:
      message: which row and column it is.
      hint: the next step.
      key_id: the key that is not there; None where that is not what is wrong.

    What to do:
      Give this process the key that the message names, by `QUESTLINE_PAYLOAD_KEYS`. Where a row or a column is named
      that was changed, look into who can write to the database.
    """

    code = "encryption"

    def __init__(self, message: str, *, hint: str | None = None, key_id: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.key_id = key_id


#: Whatever a store of what Lords remember raises.
StateStoreError = QuestlineError
PersistenceError = QuestlineError
StorageError = QuestlineError
#: The database cannot be reached, or does not answer.
DatabaseError = StoreUnavailable
#: The schema is not the one that this version of questline works with.
MigrationError = ConfigurationError
#: What was to be saved has no JSON form, is too large, or is of the wrong shape.
SerializationError = PayloadError
#: There is no workflow context, or no run, of that name.
ContextNotFoundError = NotFound
NotFoundError = NotFound
