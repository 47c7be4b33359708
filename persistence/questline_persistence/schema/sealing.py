"""The payloads of each table: sealed where a row is written, opened where one is read.

Every statement that this package composes passes its payloads through here; those on a step's way, which are texts in
`dialects`, get theirs sealed by whoever calls them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Row, Table

from questline_persistence.dialects import codec_of, is_shown
from questline_persistence.payload import (
    CLEAR,
    HIDDEN,
    HIDDEN_JSON,
    HIDDEN_LIST,
    HIDDEN_OBJECT,
    Cell,
    Codec,
    cells,
    is_sealed,
)
from questline_persistence.schema.batch_tables import batches
from questline_persistence.schema.step_tables import once, step_events
from questline_persistence.schema.tables import quests, runs, snapshots, steps, tickets


class Payloads(NamedTuple):
    """The payloads of a table.

    Parameters:
      columns: their columns, each with what people see of it where the key is not there.
      cell: returns the cell of a column in a row, of which it needs what tells the row from others.
    """

    columns: Mapping[str, str]
    cell: Callable[[str, Mapping[str, Any]], Cell]


#: The tables with payloads, by name.
PAYLOADS: dict[str, Payloads] = {
    quests.name: Payloads(
        {
            "input_data": HIDDEN_OBJECT,
            "submitted_input": HIDDEN_OBJECT,
            "output_data": HIDDEN_JSON,
            "execution_stack": HIDDEN_LIST,
            "error": HIDDEN,
        },
        lambda column, row: cells.of_quest(column, row["namespace"], row["quest_id"]),
    ),
    steps.name: Payloads(
        {"params": HIDDEN_OBJECT}, lambda _, row: cells.of_step(row["quest_id"], row["epoch"], row["position"])
    ),
    runs.name: Payloads(
        {"input_data": HIDDEN_OBJECT, "output_data": HIDDEN_JSON, "error_message": HIDDEN}, cells.of_run
    ),
    once.name: Payloads(
        {"result": HIDDEN_JSON},
        lambda _, row: cells.of_call(row["quest_id"], row["epoch"], row["position"], row["name"]),
    ),
    step_events.name: Payloads(
        {"message": HIDDEN, "data": HIDDEN_JSON},
        lambda column, row: cells.of_line(column, row["quest_id"], row["fence"], row["claim_id"], row["seq"]),
    ),
    tickets.name: Payloads(
        {"progress_message": HIDDEN}, lambda _, row: cells.of_progress(row["quest_id"], row["progress_claim_id"])
    ),
    batches.name: Payloads(
        {"arguments": f'{{"set":{HIDDEN_OBJECT}}}'}, lambda _, row: cells.of_batch(row["namespace"], row["batch_id"])
    ),
    snapshots.name: Payloads(
        {"run_data": HIDDEN_OBJECT, "execution_stack": HIDDEN_LIST, "input_data": HIDDEN_OBJECT},
        lambda column, row: cells.of_snapshot(column, row["quest_id"], row["version"]),
    ),
}


def sealed(connection: Connection, table: Table, values: Mapping[str, Any], **known: Any) -> dict[str, Any]:
    """Return the values of a row with its payloads sealed.

    Parameters:
      connection: where they go.
      table: the row's table.
      values: columns and what is written to them.
      known: further columns that tell the row from others.
    """
    codec = codec_of(connection)
    if codec is CLEAR or table.name not in PAYLOADS:
        return dict(values)
    columns, cell = PAYLOADS[table.name]
    row = {**values, **known}
    texts = {name: text for name, text in values.items() if name in columns and text is not None}
    return {**values, **{name: codec.seal(text, cell(name, row)) for name, text in texts.items()}}


def opened(connection: Connection, table: Table, row: Row[*tuple[Any, ...]], **known: Any) -> Row[Any]:
    """Return a row whose payloads are in clear as soon as they are asked for.

    Asking raises an `EncryptionError` for one whose key is not there, unless the row is for people, and for one that
    was written for another cell.

    Parameters:
      connection: where it came from.
      table: the row's table.
      row: the row, with its payloads under the names of their columns.
      known: further columns that tell the row from others.
    """
    return opened_by(codec_of(connection), table, row, shown=is_shown(connection), **known)


def opened_by(codec: Codec, table: Table, row: Row[*tuple[Any, ...]], *, shown: bool = False, **known: Any) -> Row[Any]:
    """Return a row with its payloads in clear, as `opened` does, by a codec of the caller's.

    Parameters:
      codec: the codec.
      table: the row's table.
      row: the row.
      shown: whether it is for people.
      known: further columns that tell the row from others.
    """
    payloads = PAYLOADS.get(table.name)
    if payloads is None:
        return row
    closed = [name for name in row._fields if name in payloads.columns and is_sealed(getattr(row, name))]
    if not closed:
        return row
    values = row._asdict()
    opener = Opener(codec, dict.fromkeys(closed, payloads), {**values, **known}, shown=shown)
    return cast("Row[Any]", OpenedRow(values, closed, opener))


class Opener:
    """Opens the payloads of one row.

    Parameters:
      codec: what they have passed.
      sources: by its column, what the payload is one of.
      row: its columns, and what else tells it from others.
      shown: whether they are for people.
    """

    def __init__(self, codec: Codec, sources: Mapping[str, Payloads], row: Mapping[str, Any], *, shown: bool) -> None:
        self._codec = codec
        self._sources = sources
        self._row = row
        self._shown = shown

    def __call__(self, name: str) -> str:
        """Return what one of them says."""
        text, (columns, cell) = self._row[name], self._sources[name]
        if self._shown and not self._codec.can_open(text):
            return columns[name]
        return self._codec.open(text, cell(name, self._row))


class OpenedRow:
    """A row whose payloads are opened when they are asked for; it answers as SQLAlchemy's do.

    Parameters:
      values: its columns.
      closed: which of them are still to be opened.
      opener: opens one of these.
    """

    def __init__(self, values: dict[str, Any], closed: Iterable[str], opener: Callable[[str], str]) -> None:
        self._values = values
        self._closed = set(closed)
        self._opener = opener
        self._fields = tuple(values)

    def __getattr__(self, name: str) -> Any:
        if name in self._closed:
            self._values[name] = self._opener(name)
            self._closed.discard(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def _mapping(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._fields}

    def _asdict(self) -> dict[str, Any]:
        return self._mapping
