"""Sessions of agents: the state, the to-do lists and the history that each has, and lessons that outlive them.

Each noun is a plain class on what is kept, and a manager is how programs come to it.
"""

from questline_persistence.memory.sessions.db_state_manager import DbStateManager
from questline_persistence.memory.sessions.db_todo_list_manager import DbTodoListManager
from questline_persistence.memory.sessions.execution_history import ExecutionHistory
from questline_persistence.memory.sessions.history import History
from questline_persistence.memory.sessions.lessons import Lessons, memory_of
from questline_persistence.memory.sessions.memories import Memories
from questline_persistence.memory.sessions.protocols import StateManagerProtocol, TodoListManagerProtocol
from questline_persistence.memory.sessions.session_states import SessionStates
from questline_persistence.memory.sessions.todo_lists import TodoLists, todo_list_of

__all__ = [
    "DbStateManager",
    "DbTodoListManager",
    "ExecutionHistory",
    "History",
    "Lessons",
    "Memories",
    "SessionStates",
    "StateManagerProtocol",
    "TodoListManagerProtocol",
    "TodoLists",
    "memory_of",
    "todo_list_of",
]
