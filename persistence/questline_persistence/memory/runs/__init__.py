"""The run history: what was planned and what came of it, of every quest and of runs that were executed elsewhere.

It only writes down: nothing that runs quests knows of it, and what it does or fails to do changes no execution.
"""

from questline_persistence.memory.runs.configured import get_storage
from questline_persistence.memory.runs.run_history import RunHistory
from questline_persistence.memory.runs.storage import Storage

__all__ = ["RunHistory", "Storage", "get_storage"]
