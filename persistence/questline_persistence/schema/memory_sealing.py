"""The payloads of what Lords remember: sealed where rows are written, opened where they are read.

A payload is bound to the write that made it: a version that only points at an older one's has that one's. The row of a
query says by itself where each of its columns comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Alias, Connection, Row, Select, Table

from questline_persistence import kinds
from questline_persistence.dialects import codec_of, is_shown
from questline_persistence.payload import HIDDEN, HIDDEN_OBJECT, Cell, cells, is_sealed
from questline_persistence.schema.sealing import PAYLOADS, OpenedRow, Opener, Payloads

#: What the write is called in a query that made the payload which a version has.
BODY_WRITE = "body_write_id"
#: The columns of payloads that are JSON; the others are text.
_JSON = {"metadata", "state_json", "plan_json", "context_data", "plan_result", "execution_result", "body"}


def _payloads(table: str, columns: Sequence[str], *, versions: bool = False) -> Payloads:
    def cell(column: str, row: Mapping[str, Any]) -> Cell:
        write_id = row[BODY_WRITE] if versions and BODY_WRITE in row else row["write_id"]
        return cells.of_write(table, column, row["namespace"], write_id)

    return Payloads({name: HIDDEN_OBJECT if name in _JSON else HIDDEN for name in columns}, cell)


PAYLOADS.update({kind.versions: _payloads(kind.versions, kind.body, versions=True) for kind in kinds.VERSIONED})
PAYLOADS.update({kind.table: _payloads(kind.table, kind.body) for kind in kinds.ENTRIES})
PAYLOADS[kinds.SESSIONS.heads] = Payloads(
    {"mission": HIDDEN}, lambda _, row: cells.of_mission(row["namespace"], row["key_prefix"], row["session_id"])
)
#: The columns that may be payloads, whatever the table.
_NAMES = frozenset(name for payloads in PAYLOADS.values() for name in payloads.columns)


def fetched(connection: Connection, query: Select[Any]) -> list[Row[Any]]:
    """Return the rows of a query, whose payloads are in clear as soon as they are asked for, as by `opened`.

    Parameters:
      connection: the transaction.
      query: selects columns under their own names, and with payloads what tells whose they are.
    """
    rows = list(connection.execute(query))
    if not rows:
        return rows
    places = [index for index, name in enumerate(rows[0]._fields) if name in _NAMES]
    if not any(is_sealed(row[index]) for row in rows for index in places):
        return rows
    sources = _sources(query)
    return [_opened(connection, row, sources) for row in rows]


def first(connection: Connection, query: Select[Any]) -> Row[Any] | None:
    """Return the first row of a query as `fetched` does; None where there is none."""
    rows = fetched(connection, query.limit(1))
    return rows[0] if rows else None


def _sources(query: Select[Any]) -> dict[str, Payloads]:
    """Return, by the column's name, the payloads that the columns of a query are some of."""
    found = {}
    for column in query.selected_columns:
        table = getattr(column, "table", None)
        table = table.element if isinstance(table, Alias) else table
        if isinstance(table, Table) and table.name in PAYLOADS and column.key in PAYLOADS[table.name].columns:
            found[str(column.key)] = PAYLOADS[table.name]
    return found


def _opened(connection: Connection, row: Row[Any], sources: Mapping[str, Payloads]) -> Row[Any]:
    values = row._asdict()
    closed = [name for name in sources if is_sealed(values.get(name))]
    opener = Opener(codec_of(connection), sources, values, shown=is_shown(connection))
    return cast("Row[Any]", OpenedRow(values, closed, opener))
