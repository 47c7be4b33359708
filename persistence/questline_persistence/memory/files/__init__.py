"""Sessions in plain files, for development: one JSON file for each state and each to-do list, with its newest version.

A save replaces the whole file, so that older versions are not kept. For more than one machine, take a database.
"""

from questline_persistence.memory.files.state_manager import FileStateManager
from questline_persistence.memory.files.todo_list_manager import FileTodoListManager

__all__ = ["FileStateManager", "FileTodoListManager"]
