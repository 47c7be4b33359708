"""What Lords remember, written on SQLite: a head's statement, and then what follows from it, in one transaction.

The write lock is held from the start, so nothing can come between a guard and its write; each write carries its guard
all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from questline_persistence.dialects import memory_statements as statements
from questline_persistence.dialects.codecs import codec_of
from questline_persistence.dialects.columns import listed
from questline_persistence.dialects.driver import Row, execute
from questline_persistence.dialects.sqlite import texts
from questline_persistence.dialects.sqlite.rows import insert
from questline_persistence.kinds import Versioned
from questline_persistence.writes import Entered, Enters, Saved, Saves, Words

_LARGEST = "max"


def save(connection: Connection, write: Saves, *, now: float) -> Saved | None:
    """Add a version of a key; return None, and write nothing, where its head is not at the version expected."""
    return save_all(connection, [write], now=now)[0]


def save_all(connection: Connection, writes: Sequence[Saves], *, now: float) -> list[Saved | None]:
    """Add versions of keys of one kind; return None for each whose head is not at the version expected."""
    made: list[Saved | None] = []
    rows, words = [], []
    for write in writes:
        values = statements.save_values(write, now, codec_of(connection))
        head = _head(connection, write, values)
        saved = None if head is None else Saved(*head[: len(Saved._fields)])
        made.append(saved)
        if head is None or saved is None:
            continue
        rows.append(statements.version_values(write.kind, values, head))
        if write.kind.searched and write.changes_words:
            tokens = () if write.body is None else statements.tokens_of(write, codec_of(connection))
            words.append((write, Words(saved.row_id, *write.key[:2], tokens), saved.version == 1))
    if rows:
        columns = statements.version_columns(writes[0].kind)
        insert(connection, _versions(writes[0].kind), columns, rows)
    _change_words(connection, words)
    return made


def _head(connection: Connection, write: Saves, values: dict[str, Any]) -> Row | None:
    """Move a head on, or make it; return its row, or None where it is not at the version expected."""
    kind, given = write.kind, statements.given_by(write)
    update = statements.head_update(kind, given, statements.shape_of(write), _LARGEST, there=write.there)
    rows = execute(connection, update, values)
    if not rows and write.makes_head:
        rows = execute(connection, statements.head_insert(kind, given, _LARGEST), values)
    return rows[0] if rows else None


@lru_cache(maxsize=64)
def _versions(kind: Versioned) -> str:
    return f"INSERT INTO {kind.versions} ({listed(statements.version_columns(kind))}) VALUES {{rows}}"  # noqa: S608  (of a kind's names)


def _change_words(connection: Connection, changed: Sequence[tuple[Saves, Words, bool]]) -> None:
    """Have rows, each told with whether it is new, be found by other words than before, or by none."""
    if not changed:
        return
    kind = changed[0][0].kind.heads
    texts.remove(connection, kind, [words.row_id for _, words, is_new in changed if not is_new])
    texts.add_texts(connection, kind, [words for write, words, _ in changed if write.body is not None])


def enter(connection: Connection, write: Enters, *, now: float) -> Entered:
    """Add an entry, numbered by the head of its stream if it has one.

    Raises:
      IntegrityError: there is one with its id.
    """
    entered = _enter(connection, write, statements.enter_values(write, now, codec_of(connection)))
    if write.kind.searched:
        words = Words(entered.row_id, write.namespace, write.prefix, statements.tokens_of(write, codec_of(connection)))
        texts.add_texts(connection, write.kind.table, [words])
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
