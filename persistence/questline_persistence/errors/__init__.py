"""What is told of what went wrong: the errors that users meet, their texts, and what may have been meant.

It imports nothing of ours.
"""

from questline_persistence.errors.errors import (
    ConfigurationError,
    InvalidRecord,
    NotAllowed,
    PayloadError,
    QuestConflict,
    QuestFailed,
    QuestlineError,
    QuestNotFound,
    StoreUnavailable,
    WaitTimeout,
    WrongDeclaration,
)
from questline_persistence.errors.memory_errors import (
    Conflict,
    ContextNotFoundError,
    DatabaseError,
    EncryptionError,
    MigrationError,
    NotFound,
    NotFoundError,
    PersistenceError,
    SerializationError,
    StateStoreError,
    StorageError,
)
from questline_persistence.errors.spelling import MAX_COMPARED, MAX_LISTED, nearest, suggestion
from questline_persistence.errors.text import is_tellable, message_of, summary_of, traceback_of

__all__ = [
    "MAX_COMPARED",
    "MAX_LISTED",
    "ConfigurationError",
    "Conflict",
    "ContextNotFoundError",
    "DatabaseError",
    "EncryptionError",
    "InvalidRecord",
    "MigrationError",
    "NotAllowed",
    "NotFound",
    "NotFoundError",
    "PayloadError",
    "PersistenceError",
    "QuestConflict",
    "QuestFailed",
    "QuestNotFound",
    "QuestlineError",
    "SerializationError",
    "StateStoreError",
    "StorageError",
    "StoreUnavailable",
    "WaitTimeout",
    "WrongDeclaration",
    "is_tellable",
    "message_of",
    "nearest",
    "suggestion",
    "summary_of",
    "traceback_of",
]
