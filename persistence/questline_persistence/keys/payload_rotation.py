"""Sealing what is stored with the present key: what stands in clear, or under another key.

It goes through the tables row by row while everything else goes on. A row that somebody changes meanwhile is left as
they wrote it: with the present key, too. What is done stays done, so that it may be stopped at any time, and begun
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Column, Connection, Table, and_, func, literal, or_, select, tuple_, update

from questline_persistence.errors import ConfigurationError, EncryptionError
from questline_persistence.payload import Codec
from questline_persistence.schema import METADATA, PAYLOADS, tickets
from questline_persistence.store import Database

#: How many rows are looked at by one statement, and how many are sealed in one transaction.
LOOKED, SEALED = 1_000, 100
#: How much of a payload is looked at: more than what stands before the text that is sealed.
HEAD = 100
#: Tables whose rows others lock: each row is a transaction of its own.
_ALONE = {"quest_executions", "sessions", "batches"}


@dataclass(frozen=True, slots=True)
class RotatedTable:
    """What became of the payloads of a table.

    Parameters:
      table: the table.
      sealed: how many rows were sealed with the present key.
      left: how many rows were left, since their key is not there, or they were changed by hand.
      why: what is wrong with the first of these.
    """

    table: str
    sealed: int
    left: int
    why: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)


class PayloadRotation:
    """Seals all payloads of a store with the first of the process's keys.

    Parameters:
      database: the store.

    Raises:
      ConfigurationError: the process has no key.
    """

    def __init__(self, database: Database) -> None:
        if not database.codec.seals:
            hint = "set it to NEW:KEY,OLD:KEY: the first key encrypts, all of them decrypt"
            raise ConfigurationError("QUESTLINE_PAYLOAD_KEYS names no key to encrypt with", hint=hint)
        self._database = database

    def run(self) -> Iterator[RotatedTable]:
        """Seal the payloads of one table after the other, those of every namespace; yield what became of each."""
        for name in PAYLOADS:
            if name != tickets.name:  # what a step says to be doing is gone with its claim
                yield self._rotate(METADATA.tables[name])

    def _rotate(self, table: Table) -> RotatedTable:
        sealed = left = 0
        why: str | None = None
        many = 1 if table.name in _ALONE else SEALED
        for keys in self._stale(table):
            for start in range(0, len(keys), many):
                part = keys[start : start + many]
                done, errors = self._database.write(_sealing(table, part, self._database.codec), at="save")
                sealed, left = sealed + done, left + len(errors)
                why = why or next(iter(errors), None)
        return RotatedTable(table.name, sealed, left, why)

    def _stale(self, table: Table) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the keys of rows that have a payload which is not as it would be written now, page by page."""
        codec, names, key = self._database.codec, _payloads(table), _key(table)
        heads = [func.substr(table.c[name], 1, HEAD).label(name) for name in names]
        page = select(*key, *heads).order_by(*key).limit(LOOKED)
        last: Sequence[Any] | None = None
        while True:
            behind = page if last is None else page.where(tuple_(*key) > tuple_(*map(literal, last)))
            rows = self._database.read(lambda own, query=behind: own.execute(query).all())  # type: ignore[misc]
            found = [(row[: len(key)], row[len(key) :]) for row in rows]
            yield [tuple(mine) for mine, texts in found if any(_is_stale(codec, text) for text in texts)]
            if len(rows) < LOOKED:
                return
            last = found[-1][0]


def _sealing(
    table: Table, keys: Sequence[tuple[Any, ...]], codec: Codec
) -> Callable[[Connection], tuple[int, list[str]]]:
    """Return what seals the payloads of some rows, and tells how many that were and what was wrong with others."""
    key = _key(table)
    which = or_(*(and_(*(column == value for column, value in zip(key, one, strict=True))) for one in keys))

    def work(connection: Connection) -> tuple[int, list[str]]:
        done, errors = 0, []
        for row in connection.execute(select(table).where(which).order_by(*key)).all():
            try:
                values = _anew(table, row._asdict(), codec)
            except EncryptionError as error:
                errors.append(error.message)
                continue
            mine = [column == getattr(row, column.name) for column in key]
            same = [table.c[name] == getattr(row, name) for name in values]  # nobody has written it meanwhile
            if values:
                done += connection.execute(update(table).where(*mine, *same).values(values)).rowcount
        return done, errors

    return work


def _anew(table: Table, row: Mapping[str, Any], codec: Codec) -> dict[str, str]:
    """Return the payloads of a row that are to be sealed anew."""
    cell = PAYLOADS[table.name].cell
    stale = [name for name in _payloads(table) if _is_stale(codec, row[name])]
    return {name: codec.seal(codec.open(row[name], cell(name, row)), cell(name, row)) for name in stale}


def _is_stale(codec: Codec, text: str | None) -> bool:
    return text is not None and not codec.is_current(text)


def _payloads(table: Table) -> list[str]:
    return list(PAYLOADS[table.name].columns)


def _key(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)
