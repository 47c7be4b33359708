"""What Lords remember, written on SQLite: a head's statement, and then what follows from it, in one transaction.

The write lock is held from the start, so nothing can come between a guard and its write; each write carries its guard
all the same.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from questline_persistence.dialects import memory_statements as statements
from questline_persistence.dialects.driver import execute
from questline_persistence.dialects.sqlite import texts
from questline_persistence.writes import Entered, Enters, Saved, Saves

_LARGEST = "max"


def save(connection: Connection, write: Saves, *, now: float) -> Saved | None:
    """Add a version of a key; return None, and write nothing, where its head is not at the version expected."""
    kind, given, values = write.kind, statements.given_by(write), statements.save_values(write, now)
    update = statements.head_update(kind, given, statements.shape_of(write), _LARGEST, there=write.there)
    rows = execute(connection, update, values)
    if not rows and write.makes_head:
        rows = execute(connection, statements.head_insert(kind, given, _LARGEST), values)
    if not rows:
        return None
    columns = statements.head_row(kind)
    source = _values_of(columns)
    row = {f"head_{name}": value for name, value in zip(columns, rows[0], strict=True)}
    execute(connection, statements.version_insert(kind, source), values | row)
    saved = Saved(*rows[0][: len(Saved._fields)])
    if kind.searched and write.changes_words:
        texts.remove(connection, kind.heads, saved.row_id)
        if write.body is not None:
            texts.add(connection, kind.heads, saved.row_id, write.key[:2], write.tokens)
    return saved


def enter(connection: Connection, write: Enters, *, now: float) -> Entered:
    """Add an entry, numbered by the head of its stream if it has one.

    Raises:
      IntegrityError: there is one with its id.
    """
    entered = _enter(connection, write, statements.enter_values(write, now))
    if write.kind.searched:
        texts.add(connection, write.kind.table, entered.row_id, (write.namespace, write.prefix), write.tokens)
    return entered


def _enter(connection: Connection, write: Enters, values: dict[str, Any]) -> Entered:
    kind = write.kind
    if kind.stream is None:
        ((row_id,),) = execute(connection, statements.entry_insert(kind, None), values)
        return Entered(None, row_id, values["stamp"])
    (numbered,) = execute(connection, statements.counting(kind, frozenset(write.head), _LARGEST), values)
    row = {f"head_{name}": value for name, value in zip(statements.NUMBERED, numbered, strict=True)}
    source = _values_of(statements.NUMBERED)
    ((row_id,),) = execute(connection, statements.entry_insert(kind, source), values | row)
    return Entered(numbered[0], row_id, numbered[2])


def _values_of(columns: tuple[str, ...]) -> str:
    """Return a head's row, as a statement reads it that comes after the head's own."""
    return f"(SELECT {', '.join(f':head_{name} AS {name}' for name in columns)}) AS head"
