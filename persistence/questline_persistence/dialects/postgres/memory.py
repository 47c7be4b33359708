"""What Lords remember, written on PostgreSQL: each write one statement, and so one round trip and one transaction.

A head's new number comes from the locked row, whose guard PostgreSQL evaluates again when it had to wait for it (READ
COMMITTED, "EvalPlanQual"); the version or the entry follows from what that part of the statement returns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from questline_persistence.dialects import memory_statements as statements
from questline_persistence.dialects.codecs import codec_of
from questline_persistence.dialects.columns import listed
from questline_persistence.dialects.driver import execute
from questline_persistence.dialects.postgres import texts
from questline_persistence.kinds import ORIGIN, Entries, Versioned
from questline_persistence.writes import Entered, Enters, Saved, Saves

_LARGEST = "greatest"
#: The types of what is no text, among the values of several saves.
_TYPES = {
    **dict.fromkeys(("expected", "epoch", "quest_version", "epic_num", "story_num"), "int"),
    "timestamp": "float8",
}


def save(connection: Connection, write: Saves, *, now: float) -> Saved | None:
    """Add a version of a key; return None, and write nothing, where its head is not at the version expected."""
    kind, given, values = (
        write.kind,
        statements.given_by(write),
        statements.save_values(write, now, codec_of(connection)),
    )
    text = None
    if kind.searched and write.changes_words:
        text = texts.REMOVED if write.body is None else texts.KEPT
        values["table"] = kind.heads
        values["tokens"] = texts.words(kind.heads, *write.key[:2], statements.tokens_of(write, codec_of(connection)))
    update = statements.head_update(kind, given, statements.shape_of(write), _LARGEST, there=write.there)
    rows = execute(connection, _save(kind, update, text), values)
    if not rows and write.makes_head:
        rows = execute(connection, _save(kind, statements.head_insert(kind, given, _LARGEST), text), values)
    return Saved(*rows[0]) if rows else None


def save_all(connection: Connection, writes: Sequence[Saves], *, now: float) -> list[Saved | None]:
    """Add versions of keys of one kind by one statement, their heads locked in the order given."""
    if len(writes) == 1:
        return [save(connection, writes[0], now=now)]
    kind, given = writes[0].kind, statements.given_by(writes[0])
    rows = [_given(connection, write, now) for write in writes]
    names = _arrays(kind)
    values: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    values |= {name: rows[0][name] for name in ("namespace", "now", "stamp")} | {"table": kind.heads}
    found = {row[0]: Saved(*row[1:]) for row in execute(connection, _save_all(kind, given), values)}
    return [found.get(number) for number in range(1, len(writes) + 1)]


def _given(connection: Connection, write: Saves, now: float) -> dict[str, Any]:
    words = (
        texts.words(write.kind.heads, *write.key[:2], statements.tokens_of(write, codec_of(connection)))
        if write.kind.searched
        else None
    )
    return {**statements.save_values(write, now, codec_of(connection)), "tokens": words}


@lru_cache(maxsize=64)
def _arrays(kind: Versioned) -> tuple[str, ...]:
    """Return the names of the parameters that each of several saves has a value of its own for."""
    own = ("key_prefix", "key", "op", "owner", "expected", "fingerprint", "write_id", "tokens")
    return (*own, *ORIGIN, *kind.both, *kind.head, *kind.version, *kind.body)


@lru_cache(maxsize=256)
def _save_all(kind: Versioned, given: statements.Given) -> str:
    """Return the statement that makes several versions.

    The heads are inserted, and so locked, one after the other in the order given; one that is there is moved on.
    """
    names, joined = _arrays(kind), _joined(kind)
    arrays = ", ".join(f":{name}::{_TYPES.get(name, 'text')}[]" for name in names)
    parts = [
        f"given AS (SELECT * FROM unnest({arrays}) WITH ORDINALITY AS given({listed(names)}, number))",  # noqa: S608  (of a kind's names)
        f"head AS ({_own(statements.heads_insert(kind, given, _LARGEST), kind)})",
        f"kept AS ({_own(statements.version_insert(kind, joined), kind)})",
    ]
    if kind.searched:
        parts.append(f"words AS ({_own(texts.KEPT.format(row='head', source=joined), kind)})")
    told = listed(statements.HEAD, of="head")
    return _placed(f"WITH {', '.join(parts)} SELECT given.number, {told} FROM {joined}")  # noqa: S608  (as above)


def _joined(kind: Versioned) -> str:
    return f"head JOIN given ON given.key_prefix = head.key_prefix AND given.key = head.{kind.key}"


def _own(statement: str, kind: Versioned) -> str:
    """Return a statement that reads each save's own values where it has them as parameters."""
    names = "|".join(_arrays(kind))
    return re.sub(rf"(?<!:):({names})\b", r"given.\1", statement)


def enter(connection: Connection, write: Enters, *, now: float) -> Entered:
    """Add an entry, numbered by the head of its stream if it has one.

    Raises:
      IntegrityError: there is one with its id.
    """
    kind, values = write.kind, statements.enter_values(write, now, codec_of(connection))
    if kind.searched:
        values["table"] = kind.table
        values["tokens"] = texts.words(
            kind.table, write.namespace, write.prefix, statements.tokens_of(write, codec_of(connection))
        )
    ((seq, row_id, created_at),) = execute(connection, _enter(kind, frozenset(write.head)), values)
    return Entered(seq, row_id, created_at)


@lru_cache(maxsize=256)
def _save(kind: Versioned, head: str, text: str | None) -> str:
    parts = [f"head AS ({head})", f"kept AS ({statements.version_insert(kind, 'head')})"]
    if text is not None:
        parts.append(f"words AS ({text.format(row='head', source='head')})")
    return _placed(f"WITH {', '.join(parts)} SELECT {listed(statements.HEAD)} FROM head")  # noqa: S608  (of a kind's names)


@lru_cache(maxsize=64)
def _enter(kind: Entries, given: frozenset[str]) -> str:
    source = None if kind.stream is None else "head"
    parts = [f"added AS ({statements.entry_insert(kind, source)})"]
    if kind.stream is not None:
        parts.insert(0, f"head AS ({statements.counting(kind, given, _LARGEST)})")
    if kind.searched:
        parts.append(f"words AS ({texts.KEPT.format(row='added', source='added')})")
    returned = "head.seq, added.id, head.updated_at FROM head, added" if source else "NULL::int, id, :stamp FROM added"
    return _placed(f"WITH {', '.join(parts)} SELECT {returned}")


def _placed(statement: str) -> str:
    """Return a statement whose parameters are written as the driver takes them."""
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement)
