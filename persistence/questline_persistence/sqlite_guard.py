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

#: The audit events of Python's own library, and of the wheel.
_STANDARD, _WHEEL = "sqlite3.connect", "pysqlite3.connect"
_EVENTS = frozenset({_STANDARD, _WHEEL})

_lock = threading.Lock()
_stores: Counter[Path] = Counter()
_hooked: list[bool] = []


def watch(path: Path) -> None:
    """Refuse connections of another library to the store at `path`, until it is unwatched as often."""
    with _lock:
        _stores[path] += 1
        if not _hooked and not sqlite_driver.is_alone():  # a hook costs a microsecond per step
            _hooked.append(True)
            _wrap()
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
    by_another = (event == _STANDARD) != sqlite_driver.is_standard(ours)
    if by_another and (store := _store(values[0])) is not None:
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


def _wrap() -> None:
    """Have the wheel tell of its connections, and Python's own library, if it has the WAL-reset race, leave the log."""
    ours = sqlite_driver.driver()
    if not sqlite_driver.is_standard(ours):
        return
    if not sqlite_driver.has_safe_log(ours):
        _replace(_leaving(ours.connect, ours.Connection), "sqlite3", "sqlite3.dbapi2", "_sqlite3")
    with suppress(ImportError):
        _replace(_telling(import_module("pysqlite3").connect), "pysqlite3", "pysqlite3.dbapi2", "pysqlite3._sqlite3")


def _replace(connect: Callable[..., Any], *modules: str) -> None:
    for name in modules:
        import_module(name).connect = connect  # type: ignore[attr-defined]


def _telling(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `connect` that raises an audit event, as the one of the standard library does."""

    @functools.wraps(connect)
    def telling(database: Any, *options: Any, **more: Any) -> Any:
        sys.audit(_WHEEL, database)
        return connect(database, *options, **more)

    return telling


def _leaving(connect: Callable[..., Any], base: Any) -> Callable[..., Any]:
    """Return a `connect` whose connections to a store never checkpoint it."""

    @functools.wraps(connect)
    def leaving(database: Any, *options: Any, **more: Any) -> Any:
        connection = connect(database, *options, **more)
        if _stores and _store(database) is not None:
            base.execute(connection, "PRAGMA wal_autocheckpoint = 0")
        return connection

    return leaving
