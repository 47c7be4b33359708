"""What Lords remember, written on PostgreSQL: each write one statement, and so one round trip and one transaction.

A head's new number comes from the locked row, whose guard PostgreSQL evaluates again when it had to wait for it (READ
COMMITTED, "EvalPlanQual"); the version or the entry follows from what that part of the statement returns.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sqlalchemy import Connection

from questline_persistence.dialects import memory_statements as statements
from questline_persistence.dialects.columns import listed
from questline_persistence.dialects.driver import execute
from questline_persistence.dialects.postgres import texts
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.writes import Entered, Enters, Saved, Saves

_LARGEST = "greatest"


def save(connection: Connection, write: Saves, *, now: float) -> Saved | None:
    """Add a version of a key; return None, and write nothing, where its head is not at the version expected."""
    kind, given, values = write.kind, statements.given_by(write), statements.save_values(write, now)
    text = None
    if kind.searched and write.changes_words:
        text = texts.REMOVED if write.body is None else texts.KEPT
        values["table"] = kind.heads
        values["tokens"] = texts.words(kind.heads, *write.key[:2], write.tokens)
    update = statements.head_update(kind, given, statements.shape_of(write), _LARGEST, there=write.there)
    rows = execute(connection, _save(kind, update, text), values)
    if not rows and write.makes_head:
        rows = execute(connection, _save(kind, statements.head_insert(kind, given, _LARGEST), text), values)
    return Saved(*rows[0]) if rows else None


def enter(connection: Connection, write: Enters, *, now: float) -> Entered:
    """Add an entry, numbered by the head of its stream if it has one.

    Raises:
      IntegrityError: there is one with its id.
    """
    kind, values = write.kind, statements.enter_values(write, now)
    if kind.searched:
        values["table"] = kind.table
        values["tokens"] = texts.words(kind.table, write.namespace, write.prefix, write.tokens)
    ((seq, row_id, created_at),) = execute(connection, _enter(kind, frozenset(write.head)), values)
    return Entered(seq, row_id, created_at)


@lru_cache(maxsize=256)
def _save(kind: Versioned, head: str, text: str | None) -> str:
    parts = [f"head AS ({head})", f"kept AS ({statements.version_insert(kind, 'head')})"]
    if text is not None:
        parts.append(f"words AS ({text.format(source='head')})")
    return _placed(f"WITH {', '.join(parts)} SELECT {listed(statements.HEAD)} FROM head")  # noqa: S608  (of a kind's names)


@lru_cache(maxsize=64)
def _enter(kind: Entries, given: frozenset[str]) -> str:
    source = None if kind.stream is None else "head"
    parts = [f"added AS ({statements.entry_insert(kind, source)})"]
    if kind.stream is not None:
        parts.insert(0, f"head AS ({statements.counting(kind, given, _LARGEST)})")
    if kind.searched:
        parts.append(f"words AS ({texts.KEPT.format(source='added')})")
    returned = "head.seq, added.id, head.updated_at FROM head, added" if source else "NULL::int, id, :stamp FROM added"
    return _placed(f"WITH {', '.join(parts)} SELECT {returned}")


def _placed(statement: str) -> str:
    """Return a statement whose parameters are written as the driver takes them."""
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement)
