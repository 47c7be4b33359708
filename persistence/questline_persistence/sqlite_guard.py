"""Keeps other SQLite libraries of this process away from the files that it has open as stores.

Python tells of each connection that its own `sqlite3` makes; the wheel is made to tell of its own.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from questline_persistence import sqlite_driver
from questline_persistence.errors import ConfigurationError

_STANDARD, _STANDARD_MADE, _WHEEL = "sqlite3.connect", "sqlite3.connect/handle", "pysqlite3.connect"
_EVENTS = frozenset({_STANDARD, _STANDARD_MADE, _WHEEL})

_lock = threading.Lock()
_stores: Counter[Path] = Counter()
_hooked: list[bool] = []


def watch(path: Path) -> None:
    """Refuse connections of another library to the store at `path`, until it is unwatched as often."""
    with _lock:
        _stores[path] += 1
        if not _hooked:
            _hooked.append(True)
            _have_wheel_tell()
            sys.addaudithook(_heed)


def unwatch(path: Path) -> bool:
    """Take back one `watch`; return whether it was the last for this file."""
    with _lock:
        _stores[path] -= 1
        if _stores[path] <= 0:
            del _stores[path]
        return path not in _stores


def _heed(event: str, values: tuple[Any, ...]) -> None:
    if event not in _EVENTS or not _stores:  # called for all that is imported, opened, started
        return
    ours = sqlite_driver.driver()
    by_standard = sqlite_driver.is_standard(ours)
    if event == _STANDARD_MADE:
        if by_standard and not sqlite_driver.has_safe_log(ours):
            _leave_the_log(values[0])
    elif (event == _STANDARD) != by_standard and (store := _store(values[0])) is not None:
        name = ours.__name__
        raise ConfigurationError(
            f"{store} is open as a store of questline by {name} (SQLite {ours.sqlite_version}); another SQLite library "
            f"in this process would break its locks, and lose quests: import {name} as sqlite3, or with SQLAlchemy "
            f"create_engine(url, module={name})"
        )


def _store(database: Any) -> Path | None:
    """Return the path of the store that a connection's `database` names, or None if it is no store."""
    with suppress(TypeError, ValueError):
        name = os.fsdecode(database)
        names = [name, unquote(urlsplit(name).path)] if name.startswith("file:") else [name]
        for store in list(_stores):
            for name in names:
                with suppress(OSError):
                    if store.samefile(name):
                        return store
    return None


def _leave_the_log(connection: Any) -> None:
    """Have a connection of a library with the WAL-reset race never checkpoint the store."""
    base = sqlite_driver.driver().Connection
    with suppress(sqlite_driver.driver().Error):
        if _store(base.execute(connection, "PRAGMA database_list").fetchone()[2]) is not None:
            base.execute(connection, "PRAGMA wal_autocheckpoint = 0")


def _have_wheel_tell() -> None:
    """Have the wheel raise an audit event for each connection, as the standard library does."""
    if not sqlite_driver.is_standard(sqlite_driver.driver()):
        return
    with suppress(ImportError):
        told = _told(import_module("pysqlite3._sqlite3").connect)
        for name in ("pysqlite3", "pysqlite3.dbapi2", "pysqlite3._sqlite3"):
            import_module(name).connect = told  # type: ignore[attr-defined]


def _told(connect: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(connect)
    def told(database: Any, *options: Any, **more: Any) -> Any:
        sys.audit(_WHEEL, database)
        return connect(database, *options, **more)

    return told
