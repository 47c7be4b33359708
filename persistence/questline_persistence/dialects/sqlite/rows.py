"""Rows that are inserted many at a time, their values given by place: the driver looks up each name anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from questline_persistence.dialects.driver import Row, execute

#: Most rows in one statement; each number of them is a text of its own, which the driver keeps prepared.
MAX_ROWS = 32


def insert(
    connection: Connection, statement: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Insert rows, in as few parts as may be; return what the statement returns.

    Parameters:
      statement: has `{rows}` where their values go.
      columns: by which names each row's values are known, in the statement's order.
      rows: the rows.
    """
    found: list[Row] = []
    for start in range(0, len(rows), MAX_ROWS):
        part = rows[start : start + MAX_ROWS]
        values = [row[name] for row in part for name in columns]
        found += execute(connection, with_rows(statement, len(columns), len(part)), values)
    return found


@lru_cache(maxsize=256)
def with_rows(statement: str, columns: int, count: int) -> str:
    """Return a statement with so many rows of so many parameters in the place of `{rows}`."""
    row = f"({', '.join('?' * columns)})"
    return statement.replace("{rows}", ", ".join([row] * count))
