"""All rows that are a quest's, as plain data, in an order in which they can be inserted.

Numbers that the store itself gave to rows are left out: another store gives its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Select, Table, insert, select

from questline_persistence.payload import Codec, is_sealed
from questline_persistence.schema import OF_QUEST, PAYLOADS, sealed, tickets

#: How many rows the database sends at a time.
FETCHED = 200
#: The names of the tables, the quests' own first.
TABLES = tuple(table.name for table in (*OF_QUEST, tickets))


class QuestRow(NamedTuple):
    """A row of a quest.

    Parameters:
      table: the name of its table.
      values: its columns, by name.
    """

    table: str
    values: dict[str, Any]


def columns_of(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that go along: all but the one that the store numbers."""
    return [column for column in table.c if column.autoincrement is not True]


def rows_of(connection: Connection, quest_id: str) -> Iterator[QuestRow]:
    """Yield the rows of a quest but for what its Lords remember, the quest's own row first.

    Parameters:
      connection: that of a transaction which sees one moment.
      quest_id: the quest; of one that is not there, there are no rows.
    """
    for table in (*OF_QUEST, tickets):
        yield from read(connection, table, select(table).where(table.c.quest_id == quest_id))


def in_clear(codec: Codec, row: QuestRow) -> QuestRow:
    """Return a row with its payloads opened, which are sealed for the place that the row names itself.

    Parameters:
      codec: what they have passed.
      row: the row.

    Raises:
      EncryptionError: a key is not there, or a payload was written for another place.
    """
    payloads = PAYLOADS.get(row.table)
    closed = [name for name, value in row.values.items() if is_sealed(value)] if payloads else []
    if payloads is None or not closed:
        return row
    return QuestRow(
        row.table,
        row.values | {name: codec.open(row.values[name], payloads.cell(name, row.values)) for name in closed},
    )


def insert_rows(connection: Connection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of quests that are not there.

    Parameters:
      connection: that of a write transaction.
      name: the name of their table.
      rows: the rows, with their payloads in clear; tickets only in a state in which nobody claims them.
    """
    for table in (*OF_QUEST, tickets):
        if table.name == name:
            connection.execute(insert(table), [sealed(connection, table, row) for row in rows])


def read(connection: Connection, table: Table, query: Select[Any]) -> Iterator[QuestRow]:
    """Yield the rows that a query finds in a table, in the order in which they came into it.

    Parameters:
      connection: that of the transaction.
      table: the table.
      query: selects whole rows.
    """
    names = [str(column.name) for column in columns_of(table)]  # SQLAlchemy marks some as its own kind of text
    ordered = query.order_by(*table.primary_key)
    with connection.execute(ordered, execution_options={"yield_per": FETCHED}) as found:
        for row in found.mappings():
            yield QuestRow(table.name, {name: row[name] for name in names})
