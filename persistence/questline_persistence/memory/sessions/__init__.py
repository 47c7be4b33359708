"""Sessions of agents: the state and the to-do lists that each has."""

from questline_persistence.memory.sessions.protocols import StateManagerProtocol, TodoListManagerProtocol

__all__ = ["StateManagerProtocol", "TodoListManagerProtocol"]
