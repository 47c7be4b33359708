"""SQLite: which library opens a file, who else has it open, and the statements of a step's way.

It knows nothing of PostgreSQL. It imports the words at the root of this floor, and its own dialects' driver and errors.
"""

from questline_persistence.dialects.sqlite import library, quests, steps, url
from questline_persistence.dialects.sqlite.dialect import Sqlite

__all__ = ["Sqlite", "library", "quests", "steps", "url"]
