"""Keeps other SQLite libraries of this process away from the files that it has open as stores.

Python tells of each connection that its own `sqlite3` makes; the wheel is made to tell of its own.
"""

from __future__ import annotations

import functools
import os
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from questline_persistence.dialects import forks
from questline_persistence.dialects.sqlite import library as sqlite_library
from questline_persistence.errors import ConfigurationError

#: The audit events of Python's own library, and of the wheel.
_STANDARD, _WHEEL = "sqlite3.connect", "pysqlite3.connect"
_EVENTS = frozenset({_STANDARD, _WHEEL})

#: The stores that are open, each by what has it open. What a collected object leaves is taken out with no lock: the
#: collector comes in the middle of anything, in the thread that holds the lock, too.
_stores: dict[int, Path] = {}
_hooking = forks.new_lock()
_hooked: list[bool] = []


def watch(path: Path, owner: object) -> weakref.finalize[[int], Any]:
    """Refuse connections of another library to the store at `path`, until what is returned is called.

    Parameters:
      path: where the store is.
      owner: what has it open; when that is collected, the store is watched no longer.
    """
    _stores[id(owner)] = path
    with _hooking:
        if not _hooked and not sqlite_library.is_alone():  # a hook costs a microsecond per step
            _hooked.append(True)
            _wrap()
            sys.addaudithook(_heed)
    return weakref.finalize(owner, _stores.pop, id(owner))


def is_watched(path: Path) -> bool:
    """Return whether anything has the store at `path` open."""
    return path in _stores.copy().values()


def _heed(event: str, values: tuple[Any, ...]) -> None:
    if event not in _EVENTS or not _stores:  # called for all that is imported, opened, started
        return
    ours = sqlite_library.driver()
    is_by_ours = sqlite_library.is_standard(ours) if event == _STANDARD else sqlite_library.is_wheel(ours)
    if not is_by_ours and (store := _store(values[0])) is not None:
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
        for store in _stores.copy().values():
            for name in names:
                with suppress(OSError):
                    if store.samefile(name):
                        return store
    return None


def _wrap() -> None:
    """Have the wheel tell of its connections, and Python's own library, if it has the WAL-reset race, leave the log."""
    ours = sqlite_library.driver()
    if sqlite_library.is_standard(ours) and not sqlite_library.has_safe_log(ours):
        _replace(ours.connect, _leaving(ours.connect, ours.Connection))
    if not sqlite_library.is_wheel(ours):
        with suppress(ImportError):
            connect = import_module("pysqlite3.dbapi2").connect
            _replace(connect, _telling(connect))


def _replace(connect: Callable[..., Any], another: Callable[..., Any]) -> None:
    """Put another `connect` wherever a module has this one, by whatever name the module is known."""
    for module in [*sys.modules.values()]:
        with suppress(AttributeError):  # what stands for a module may be anything
            names = object.__getattribute__(module, "__dict__")  # a lazy one would be loaded by a plain look
            if names.get("connect") is connect:
                names["connect"] = another


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
