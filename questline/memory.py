"""What Lords remember, for users: the stores, the records that they keep, and what they raise.

`questline` itself does not import it, so that who only submits quests does not pay for it.
"""

from questline_persistence.errors import (
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
from questline_persistence.memory.contexts import ContextPersistence
from questline_persistence.memory.files import FileStateManager, FileTodoListManager
from questline_persistence.memory.models import (
    AgentState,
    Event,
    HistoryEntry,
    Memory,
    Migration,
    RunRecord,
    RunSummary,
    Session,
    SessionState,
    StateSnapshot,
    StateTransition,
    StepOrigin,
    Task,
    TodoList,
    WorkflowContext,
)
from questline_persistence.memory.runs import RunHistory, Storage, get_storage
from questline_persistence.memory.sessions import (
    DbStateManager,
    DbTodoListManager,
    ExecutionHistory,
    Memories,
    StateManagerProtocol,
    TodoListManagerProtocol,
)
from questline_persistence.memory.states import Operation, StateStore
from questline_persistence.states import ActorType, ContextStatus, TaskStatus

__all__ = [
    "ActorType",
    "AgentState",
    "Conflict",
    "ContextNotFoundError",
    "ContextPersistence",
    "ContextStatus",
    "DatabaseError",
    "DbStateManager",
    "DbTodoListManager",
    "EncryptionError",
    "Event",
    "ExecutionHistory",
    "FileStateManager",
    "FileTodoListManager",
    "HistoryEntry",
    "Memories",
    "Memory",
    "Migration",
    "MigrationError",
    "NotFound",
    "NotFoundError",
    "Operation",
    "PersistenceError",
    "RunHistory",
    "RunRecord",
    "RunSummary",
    "SerializationError",
    "Session",
    "SessionState",
    "StateManagerProtocol",
    "StateSnapshot",
    "StateStore",
    "StateStoreError",
    "StateTransition",
    "StepOrigin",
    "Storage",
    "StorageError",
    "Task",
    "TaskStatus",
    "TodoList",
    "TodoListManagerProtocol",
    "WorkflowContext",
    "get_storage",
]
