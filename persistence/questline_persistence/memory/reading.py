"""What Lords remember, read: the present and older versions of a key, lists of keys, and entries.

Whoever reads the present asks for nothing but the present: what was deleted, has expired or was abandoned by a replay
is not there. One function says so for every read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    ScalarSelect,
    Select,
    Table,
    bindparam,
    case,
    literal,
    or_,
    select,
)

from questline_persistence.kinds import OF_STEP, Entries, Versioned, entries_of
from questline_persistence.schema import BODY_WRITE, fetched, first, is_key, same_key, within
from questline_persistence.schema import table_of as table
from questline_persistence.schema import tables_of as tables
from questline_persistence.writes import Key


def present(of: Table, now: float) -> list[ColumnElement[bool]]:
    """Return the conditions that a row is there at present: not deleted, not expired, not abandoned.

    Parameters:
      of: its table.
      now: the database's time in epoch seconds.
    """
    conditions: list[ColumnElement[bool]] = [
        of.c[name].is_(None) for name in ("deleted_at", "abandoned_by") if name in of.c
    ]
    if "body_version" in of.c and "deleted_at" in of.c:
        conditions.append(of.c.body_version.is_not(None))
    if "expires_time" in of.c:
        conditions.append(or_(of.c.expires_time.is_(None), of.c.expires_time > now))
    return conditions


def anything_left(kind: Versioned) -> ColumnElement[bool]:
    """Return the condition that there is anything behind a head: a version that was not purged, or an entry."""
    heads = tables(kind).heads
    return or_(heads.c.version > heads.c.purged_to, *(has_entries(kind, entries) for entries in entries_of(kind)))


def has_entries(kind: Versioned, entries: Entries) -> ColumnElement[bool]:
    """Return the condition that entries of a kind go with a head. Its counters do not tell: they outlive a purge."""
    heads, rows = tables(kind).heads, table(entries).alias()
    return select(literal(1)).where(same_key(kind, heads, rows)).correlate(heads).exists()


@lru_cache(maxsize=32)
def of_present(kind: Versioned) -> Select[Any]:
    """Return the query of heads with what else their present versions have, and with the payloads that these point at.

    That takes two look-ups by key for each, whatever the history.
    """
    heads, versions = tables(kind)
    bodies = versions.alias("bodies")
    return (
        select(
            heads,
            *(versions.c[name] for name in (*OF_STEP, *kind.version)),
            *(bodies.c[name] for name in kind.body),
            bodies.c.write_id.label(BODY_WRITE),
        )
        .join_from(heads, versions, versions.c.id == row_of(kind, heads, heads.c.version))
        .join(bodies, bodies.c.id == row_of(kind, heads, heads.c.body_version))
    )


@lru_cache(maxsize=32)
def of_last(kind: Versioned) -> Select[Any]:
    """Return the query of heads with what they say, or said before they were deleted; without what was purged."""
    heads, versions = tables(kind)
    said, bodies = versions.alias("said"), versions.alias("bodies")
    number = case((heads.c.deleted_at.is_(None), heads.c.version), else_=heads.c.version - 1)
    return (
        select(
            heads,
            *(versions.c[name] for name in (*OF_STEP, *kind.version)),
            *(bodies.c[name] for name in kind.body),
            bodies.c.write_id.label(BODY_WRITE),
        )
        .join_from(heads, versions, versions.c.id == row_of(kind, heads, heads.c.version))
        .join(said, said.c.id == row_of(kind, heads, number))
        .join(bodies, bodies.c.id == row_of(kind, said, said.c.body_version))
    )


def row_of(kind: Versioned, of: FromClause, number: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Return the id of the row of a version, by key and number, as a query of its own.

    Joined by key, it would be found among all versions of the key where a database takes these to be few.
    """
    found = tables(kind).versions.alias()
    own = select(found.c.id).where(same_key(kind, of, found), found.c.version == number)
    return own.correlate(of).scalar_subquery()


def latest(connection: Connection, kind: Versioned, key: Key, now: float) -> Row[Any] | None:
    """Return the head of a key with the present payload; None where nothing is there."""
    heads = tables(kind).heads
    return first(connection, of_present(kind).where(*is_key(heads, kind, key), *present(heads, now)))


def is_there(connection: Connection, kind: Versioned, key: Key, now: float) -> bool:
    """Return whether a key has something at present."""
    heads = tables(kind).heads
    query = select(literal(1)).where(*is_key(heads, kind, key), *present(heads, now))
    return connection.execute(query).first() is not None


def all_latest(connection: Connection, kind: Versioned, keys: Sequence[Key], now: float) -> list[Row[Any]]:
    """Return what is there at present of several keys of one namespace and prefix, in no order."""
    if not keys:
        return []
    heads = tables(kind).heads
    names = heads.c[kind.key].in_([key.name for key in keys])
    conditions = (*within(heads, keys[0].namespace, keys[0].prefix), names, *present(heads, now))
    return fetched(connection, of_present(kind).where(*conditions))


def head(connection: Connection, kind: Versioned, key: Key) -> Row[Any] | None:
    """Return the head of a key, whether or not anything is there."""
    heads = tables(kind).heads
    return first(connection, select(heads).where(*is_key(heads, kind, key)))


@lru_cache(maxsize=32)
def of_versions(kind: Versioned) -> Select[Any]:
    """Return the query of versions with their payloads, whichever row holds them, and when their head was made."""
    heads, versions = tables(kind)
    bodies = versions.alias("bodies")
    own = [column for column in versions.c if column.name not in kind.body]
    return (
        select(
            *own,
            *(bodies.c[name] for name in kind.body),
            bodies.c.write_id.label(BODY_WRITE),
            heads.c.created_at.label("head_created_at"),
        )
        .join_from(versions, heads, same_key(kind, versions, heads))
        .outerjoin(bodies, bodies.c.id == row_of(kind, versions, versions.c.body_version))
    )


def at_version(connection: Connection, kind: Versioned, key: Key, version: int) -> Row[Any] | None:
    """Return one version of a key with its payload; None where there is none, or where it is a deletion."""
    versions = tables(kind).versions
    conditions = (*is_key(versions, kind, key), versions.c.version == version, versions.c.body_version.is_not(None))
    return first(connection, of_versions(kind).where(*conditions))


def version_at(connection: Connection, kind: Versioned, key: Key, moment: float) -> int:
    """Return the version that a key had at a moment; 0 where it had none yet.

    The moments of a key's versions never fall, and their numbers have no gap: so its versions are halved until one is
    left, and no index but that of the numbers is needed.
    """
    row = head(connection, kind, key)
    if row is None:
        return 0
    found: int | None = connection.execute(
        _halving(kind), {**_keyed(key), "at": moment, "low": row.purged_to, "high": row.version + 1}
    ).scalar()
    return found or 0


@lru_cache(maxsize=32)
def _halving(kind: Versioned) -> Select[Any]:
    versions = tables(kind).versions
    low, high = bindparam("low", type_=versions.c.version.type), bindparam("high", type_=versions.c.version.type)
    spans = select(low.label("low"), high.label("high")).cte("spans", recursive=True)
    middle = (spans.c.low + spans.c.high) // 2
    saved = (
        select(versions.c.saved_time)
        .where(
            versions.c.namespace == bindparam("namespace"),
            versions.c.key_prefix == bindparam("key_prefix"),
            versions.c[kind.key] == bindparam("key"),
            versions.c.version == middle,
        )
        .scalar_subquery()
    )
    before = saved <= bindparam("at")
    upper = select(case((before, middle), else_=spans.c.low), case((before, spans.c.high), else_=middle))
    spans = spans.union_all(upper.where(spans.c.high - spans.c.low > 1))
    return select(spans.c.low).order_by(spans.c.high - spans.c.low).limit(1)


def _keyed(key: Key) -> dict[str, str]:
    return {"namespace": key.namespace, "key_prefix": key.prefix, "key": key.name}


def of_kind(kind: Versioned | Entries) -> tuple[Table, Select[Any]]:
    """Return the table whose rows are told of, and the query for what each says; of a head, its present version."""
    if isinstance(kind, Versioned):
        return tables(kind).heads, of_present(kind)
    return table(kind), select(table(kind))


def columns(kind: Versioned) -> Sequence[str]:
    """Return what the present version of a key is told by."""
    return [str(column.key) for column in of_present(kind).selected_columns]


def looked_at(connection: Connection, kind: Versioned, key: Key, now: float) -> tuple[Row[Any] | None, int]:
    """Return what is there of a key at present, and at which version its head is; 0 where it was never saved."""
    row = latest(connection, kind, key, now)
    if row is not None:
        return row, row.version
    found = head(connection, kind, key)
    return None, 0 if found is None else found.version
