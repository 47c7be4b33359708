"""Backups of an SQLite store, made and read by the library that this process uses, page by page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from questline_persistence.dialects.sqlite import library
from questline_persistence.errors import PayloadError, StoreUnavailable

#: What every file of SQLite begins with.
_MAGIC = b"SQLite format 3\x00"
_HINT = "name a file that `questline backup` has written for such a database"


def back_up(engine: Engine, path: Path) -> None:
    """Write all of a store into a file, as it is at one moment, while others read and write it.

    Parameters:
      engine: the store's.
      path: the file, which is empty.

    Raises:
      StoreUnavailable: it did not work.
    """
    _copy(engine, path, out=True)


def look_at(path: Path) -> set[str]:
    """Make sure that a file is a whole store of questline; return the names of its tables.

    Raises:
      PayloadError: it is not.
    """
    error = library.driver().Error
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC))
    try:
        with closing(_opened(path)) as found:
            whole = begin == _MAGIC and found.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
            tables = {name for (name,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if whole and "questline_version" in tables:
                return tables
    except error as broken:
        raise PayloadError(f"{path} is no backup that can be read: {broken}", hint=_HINT) from None
    raise PayloadError(f"{path} is no backup of questline on SQLite, or a damaged one", hint=_HINT)


def restore(engine: Engine, path: Path) -> None:
    """Put what a file holds in place of all that is in a store, in one transaction of SQLite's.

    Raises:
      StoreUnavailable: it did not work: somebody has kept the store locked.
    """
    _copy(engine, path, out=False)


def _copy(engine: Engine, path: Path, *, out: bool) -> None:
    """Copy all pages from a store to a file, or from there."""
    error = library.driver().Error
    with engine.connect() as connection, closing(_opened(path, writing=out)) as file:
        own: Any = connection.connection.driver_connection
        try:
            own.backup(file) if out else file.backup(own)
        except error as broken:
            raise StoreUnavailable(
                f"the backup has failed: {broken}", hint="try again, once nobody else writes"
            ) from None


def _opened(path: Path, *, writing: bool = False) -> Any:
    mode = "rw" if writing else "ro"
    return library.driver().connect(f"{path.absolute().as_uri()}?mode={mode}&immutable={int(not writing)}", uri=True)
