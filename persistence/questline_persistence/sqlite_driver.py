"""Which SQLite library to use, and how a connection to a file is set up.

SQLite 3.7.0 to 3.51.2 can corrupt a write-ahead log that several connections write at once (the
WAL-reset race, https://sqlite.org/releaselog/3_51_3.html), so an older library keeps a rollback journal.
"""

from __future__ import annotations

import sqlite3
from types import ModuleType
from typing import Any

#: The first release without the WAL-reset race.
SAFE_WAL_VERSION = (3, 51, 3)
#: How long a connection waits for another's write, in milliseconds.
BUSY_TIMEOUT_MS = 10_000


def driver() -> ModuleType:
    """Return the newer of the standard library's sqlite3 and the pysqlite3 wheel, if that is installed."""
    try:
        import pysqlite3.dbapi2 as wheel  # noqa: PLC0415  (optional, and only Linux has it)
    except ImportError:
        return sqlite3
    newer: ModuleType = max(sqlite3, wheel, key=lambda module: module.sqlite_version_info)
    return newer


def journal_mode(module: ModuleType) -> str:
    """Return the journal mode that is safe with `module` for a file written by several connections."""
    return "WAL" if module.sqlite_version_info >= SAFE_WAL_VERSION else "TRUNCATE"


def is_another_library(module: Any) -> bool:
    """Tell whether connections made by `module` use another SQLite library than ours.

    A process's locks on a file belong to all of it: one library does not see those of another, and drops them when
    it closes the file (https://sqlite.org/howtocorrupt.html, "Multiple copies of SQLite linked into the same
    application"). So what both write at the same time may be lost.
    """
    return getattr(module, "sqlite", module).connect is not driver().connect  # an async driver wraps one of them


def prepare(connection: Any, module: ModuleType) -> None:
    """Set the pragmas of a new connection: durable commits, patience with other writers, foreign keys."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute(f"PRAGMA journal_mode = {journal_mode(module)}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
