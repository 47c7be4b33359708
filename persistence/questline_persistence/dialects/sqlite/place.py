"""Which SQLite database a connection is to: the file that it has open, by its device and number."""

from __future__ import annotations

import os
from contextlib import suppress

from sqlalchemy import Connection

from questline_persistence.dialects.place import Place


def place(connection: Connection) -> Place:
    """Return the database of a connection, which takes no lock; each in memory is one of its own."""
    files = {name: path for _, name, path in connection.exec_driver_sql("PRAGMA database_list")}
    path = files["main"]
    if not path:
        own = f"{id(connection.connection.driver_connection):#x}"
        return Place((own,), f"an SQLite database in memory, at {own}")
    identity: tuple[str, ...] = (os.path.realpath(path),)
    with suppress(OSError):  # deleted meanwhile
        found = os.stat(path)  # noqa: PTH116  (as SQLite names it)
        identity = (str(found.st_dev), str(found.st_ino))
    return Place(identity, f"sqlite:///{path}")
