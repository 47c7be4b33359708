"""How many rows a statement has changed is known with any SQLite library: Python's says -1 after WITH … UPDATE."""

from types import SimpleNamespace
from typing import cast

from sqlalchemy import Connection, CursorResult

from questline_persistence.dialects import changed_rows
from questline_persistence.store import Database


def test_rows_are_counted_where_the_driver_does_not_tell() -> None:
    def work(connection: Connection) -> int:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (2), (3)")
        connection.exec_driver_sql("WITH c AS (SELECT 2 AS y) UPDATE t SET x = 0 WHERE x >= (SELECT y FROM c)")
        return changed_rows(connection, cast("CursorResult[object]", SimpleNamespace(rowcount=-1)))

    database = Database(":memory:")
    assert database.write(work) == 2
    database.close()
