"""PostgreSQL: its URLs, its sessions, and the statements of a step's way.

It knows nothing of SQLite. It imports the words at the root of this floor, and its own dialects' driver and errors.
"""

from questline_persistence.dialects.postgres import quests, sessions, steps
from questline_persistence.dialects.postgres.dialect import Postgres
from questline_persistence.dialects.postgres.url import read_postgres_url

__all__ = ["Postgres", "quests", "read_postgres_url", "sessions", "steps"]
