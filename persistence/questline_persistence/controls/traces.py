"""Which tables have anything of what Lords remember that is of a quest: one look, whatever there is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import BindParameter, CompoundSelect, Connection, Table, bindparam, literal, select, union_all

from questline_persistence.kinds import ENTRIES, VERSIONED
from questline_persistence.schema import table_of, tables_of


def written_by(connection: Connection, quest_id: str) -> frozenset[str]:
    """Return the tables of versions and entries that steps of a quest have written to."""
    return _found(connection, _written(), [quest_id])


def kept_or_written_by(connection: Connection, quest_id: str) -> frozenset[str]:
    """Return the tables of heads that are a quest's own, and those that steps of it have written to which keys have."""
    return _found(connection, _kept_or_written(), [quest_id])


def kept_by(connection: Connection, quest_ids: Sequence[str]) -> frozenset[str]:
    """Return the tables of heads that are quests' own."""
    return _found(connection, _kept(), quest_ids)


def _found(connection: Connection, query: CompoundSelect[str], quest_ids: Sequence[str]) -> frozenset[str]:
    return frozenset(connection.execute(query, {"quest_ids": quest_ids}).scalars())


@lru_cache(maxsize=1)
def _written() -> CompoundSelect[str]:
    versions = [(tables_of(kind).versions, "quest_id") for kind in VERSIONED]
    return _any_of(*versions, *((table_of(kind), "quest_id") for kind in ENTRIES))


@lru_cache(maxsize=1)
def _kept_or_written() -> CompoundSelect[str]:
    heads = [(tables_of(kind).heads, "owner") for kind in VERSIONED]
    streams = [(table_of(kind), "quest_id") for kind in ENTRIES if kind.stream]
    return _any_of(*heads, *((tables_of(kind).versions, "quest_id") for kind in VERSIONED), *streams)


@lru_cache(maxsize=1)
def _kept() -> CompoundSelect[str]:
    return _any_of(*((tables_of(kind).heads, "owner") for kind in VERSIONED))


def _any_of(*tables: tuple[Table, str]) -> CompoundSelect[str]:
    """Return the query for the names of the tables that have any row of quests, each by its column."""
    quest_ids: BindParameter[str] = bindparam("quest_ids", expanding=True)
    rows = [(table, select(literal(1)).where(table.c[column].in_(quest_ids))) for table, column in tables]
    return union_all(*(select(literal(table.name)).where(found.exists()) for table, found in rows))
