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
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.writes import Entered, Enters, Saved, Saves

_LARGEST = "greatest"


def save(connection: Connection, write: Saves, *, now: float) -> Saved | None:
    """Add a version of a key; return None, and write nothing, where its head is not at the version expected."""
    kind, changed, values = write.kind, frozenset(write.columns), statements.save_values(write, now)
    update = statements.head_update(kind, changed, statements.shape_of(write), _LARGEST)
    rows = execute(connection, _save(kind, update), values)
    if not rows and write.makes_head:
        rows = execute(connection, _save(kind, statements.head_insert(kind, changed, _LARGEST)), values)
    return Saved(*rows[0]) if rows else None


def enter(connection: Connection, write: Enters, *, now: float) -> Entered:
    """Add an entry, numbered by the head of its stream if it has one.

    Raises:
      IntegrityError: there is one with its id.
    """
    values = statements.enter_values(write, now)
    ((seq, row_id, created_at),) = execute(connection, _enter(write.kind, frozenset(write.head)), values)
    return Entered(seq, row_id, created_at)


@lru_cache(maxsize=256)
def _save(kind: Versioned, head: str) -> str:
    kept = statements.version_insert(kind, "head")
    return _placed(f"WITH head AS ({head}), kept AS ({kept}) SELECT {listed(statements.HEAD)} FROM head")  # noqa: S608  (of a kind's names)


@lru_cache(maxsize=64)
def _enter(kind: Entries, given: frozenset[str]) -> str:
    if kind.stream is None:
        added = statements.entry_insert(kind, None)
        return _placed(f"WITH added AS ({added}) SELECT NULL::int, id, :stamp FROM added")  # noqa: S608  (of a kind's names)
    head, added = statements.counting(kind, given, _LARGEST), statements.entry_insert(kind, "head")
    return _placed(
        f"WITH head AS ({head}), added AS ({added}) SELECT head.seq, added.id, head.updated_at FROM head, added"  # noqa: S608  (of a kind's names)
    )


def _placed(statement: str) -> str:
    """Return a statement whose parameters are written as the driver takes them."""
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement)
