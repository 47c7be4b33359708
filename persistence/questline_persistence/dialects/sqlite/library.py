"""Which SQLite library this process uses, the one for all, and how a connection to a file is set up.

A process's locks on a file belong to all of it: one library does not see those of another, and drops them when it
closes the file (https://sqlite.org/howtocorrupt.html, "Multiple copies of SQLite linked into the same application").
So what `import sqlite3` means here and what questline uses are made the same before the first store is opened.

SQLite 3.7.0 to 3.51.2 can corrupt a write-ahead log that is checkpointed while a commit begins it anew (the WAL-reset
race, https://sqlite.org/wal.html#walresetbug). A connection of such a library never checkpoints by itself.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from questline_persistence.dialects import forks
from questline_persistence.errors import ConfigurationError

if TYPE_CHECKING:  # whoever decides for a library before anything else needs nothing but this module
    from sqlalchemy import Connection

#: The first release without the WAL-reset race, and the older releases that got the mend as well.
SAFE_WAL_VERSION = (3, 51, 3)
_MENDED = ((3, 50, 7), (3, 44, 6))
#: The first release that understands our statements (RETURNING).
MIN_VERSION = (3, 35, 0)
#: How long a connection waits for another's write, in milliseconds.
BUSY_TIMEOUT_MS = 10_000

#: The package that brings a newer SQLite than most Pythons have; only Linux has it.
_WHEEL = "pysqlite3"
#: By which names a program gets at SQLite, and what answers to them in the wheel.
_NAMES = {"sqlite3": _WHEEL, "sqlite3.dbapi2": f"{_WHEEL}.dbapi2", "_sqlite3": f"{_WHEEL}._sqlite3"}

_deciding = forks.new_lock()
_decided: list[ModuleType] = []


def driver() -> ModuleType:
    """Return the module of the one SQLite library that this process uses; the first call decides.

    A process that has loaded `sqlite3` stays with that. In any other, the standard library's SQLite is used where it
    has no WAL-reset race; else the wheel is, and answers to `sqlite3` from then on.

    Raises:
      ConfigurationError: there is no SQLite, or one that is too old.
    """
    if not _decided:
        with _deciding:
            if not _decided:
                _decided.append(_decide())
    return _decided[0]


def _decide() -> ModuleType:
    loaded, wheel_loaded = not _NAMES.keys().isdisjoint(sys.modules), _WHEEL in sys.modules
    standard = _meant() if loaded else _looked_at("_sqlite3")
    wheel = _imported(f"{_WHEEL}.dbapi2")
    fit = [module for module in (standard, wheel) if module is not None and _version(module) >= MIN_VERSION]
    if not fit:
        needed = ".".join(map(str, MIN_VERSION))
        raise ConfigurationError(f"questline needs SQLite {needed}", hint="pip install pysqlite3, or use PostgreSQL")
    chosen = standard if loaded else wheel if wheel_loaded else None
    if chosen not in fit:
        chosen = max(fit, key=lambda module: (module is not wheel and has_safe_log(module), _version(module)))
    if chosen is not wheel:
        return chosen if loaded else importlib.import_module("sqlite3.dbapi2")
    for name in _NAMES.keys() - sys.modules.keys():
        sys.modules[name] = importlib.import_module(_NAMES[name])
    return chosen


def _meant() -> ModuleType | None:
    """Return what `import sqlite3` means in this process: a program may have put another library in its place."""
    package = _imported("sqlite3")
    return getattr(package, "dbapi2", package)


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _looked_at(name: str) -> ModuleType | None:
    """Return a module that is not loaded yet, and leave it so."""
    try:
        return _imported(name)
    finally:
        sys.modules.pop(name, None)


def is_alone() -> bool:
    """Return whether another library than Python's own is used, and Python's own can no longer be loaded."""
    return all(name in sys.modules and is_ours(sys.modules[name]) for name in _NAMES) and not is_standard(driver())


def is_standard(module: ModuleType) -> bool:
    """Return whether `module` is the standard library's."""
    return str(module.Connection.__module__).startswith("sqlite3")


def is_wheel(module: ModuleType) -> bool:
    """Return whether `module` is the wheel's."""
    return str(module.Connection.__module__).startswith(_WHEEL)


def is_ours(module: Any) -> bool:
    """Return whether connections made by `module`, perhaps an async driver, use the library of this process."""
    return bool(getattr(module, "sqlite", module).connect is driver().connect)


def has_safe_log(module: ModuleType) -> bool:
    """Return whether connections of `module` may checkpoint a write-ahead log while others write."""
    version = _version(module)
    return version >= SAFE_WAL_VERSION or any(version[:2] == mended[:2] and version >= mended for mended in _MENDED)


def _version(module: ModuleType) -> tuple[int, ...]:
    return tuple(map(int, module.sqlite_version.split(".")))


def journal_mode(module: ModuleType) -> str:
    """Return the journal mode of a new file: a write-ahead log, unless no process here can checkpoint one safely."""
    return "WAL" if has_safe_log(module) or find_spec(_WHEEL) is not None else "TRUNCATE"


def journal_of(connection: Connection) -> str:
    """Return the journal mode that a file really has, in capital letters."""
    return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()).upper()


def prepare(connection: Any, module: ModuleType) -> None:
    """Set the pragmas of a new connection: durable commits, patience with other writers, foreign keys."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    if not has_safe_log(module):
        cursor.execute("PRAGMA wal_autocheckpoint = 0")
    # All processes must agree on the mode, and a file keeps this one: whoever finds a log goes on with it.
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        cursor.execute(f"PRAGMA journal_mode = {journal_mode(module)}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
