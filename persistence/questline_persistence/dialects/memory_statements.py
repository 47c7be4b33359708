"""Statements that write what Lords remember, put together from a kind's description: the parts every dialect has.

Parameters are written `:name`. A part that follows from the head's row reads it from `head`: a dialect whose statements
can be joined puts the head's own statement there, another one the values that it has returned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from questline_persistence.clock import rfc3339, told
from questline_persistence.dialects.columns import listed
from questline_persistence.kinds import KEY, ORIGIN, Entries, Versioned
from questline_persistence.payload import Codec, cells
from questline_persistence.writes import EMPTYING, Enters, Op, Remembered, Saves

#: What a head's statement returns first when it makes a version: what becomes a `Saved`.
HEAD = ("version", "body_version", "id", "updated_time", "updated_at", "created_at")
#: What it returns when it numbers an entry.
NUMBERED = ("seq", "updated_time", "updated_at")

#: The condition that the head is at the version that the writer has seen, if it has seen one.
_EXPECTED = "(CAST(:expected AS integer) IS NULL OR h.version = :expected)"
_TIMES = ("created_at", "updated_at", "updated_time")
_NOW = {"created_at": ":stamp", "updated_at": ":stamp", "updated_time": ":now"}
_FIRST = {"version": "1", "body_version": "1"}


class Shape(StrEnum):
    """What becomes of a key's payload by a version."""

    #: It is the version's own; one that is the same as before is not stored again.
    OWN = "own"
    #: It is an older version's again, which was not purged.
    POINTING = "pointing"
    #: It stays as it is: there must be one.
    SAME = "same"
    #: It is gone: there must have been one.
    DELETED = "deleted"
    #: It is gone, if there was one.
    EMPTY = "empty"


_NOTHING = "body_version = NULL, fingerprint = NULL, deleted_at = :stamp"
_BODIES = {
    Shape.OWN: "body_version = CASE WHEN h.fingerprint = :fingerprint THEN h.body_version ELSE h.version + 1 END, "
    "fingerprint = :fingerprint, deleted_at = NULL",
    Shape.POINTING: "body_version = :points_at, fingerprint = :fingerprint, deleted_at = NULL",
    Shape.SAME: "body_version = h.body_version",
    Shape.DELETED: _NOTHING,
    Shape.EMPTY: _NOTHING,
}
_IS_THERE = " AND h.body_version IS NOT NULL"
#: What there must be for it, besides the head.
_GUARDS = {Shape.POINTING: " AND h.purged_to < :points_at", Shape.SAME: _IS_THERE, Shape.DELETED: _IS_THERE}


def head_row(kind: Versioned) -> tuple[str, ...]:
    """Return what a head's statement returns when it makes a version."""
    return (*HEAD, "fingerprint", *kind.both)


def shape_of(write: Saves) -> Shape:
    """Return what becomes of the payload by a write."""
    if write.points_at is not None:
        return Shape.POINTING
    if write.body is not None:
        return Shape.OWN
    if write.op in EMPTYING:
        return Shape.DELETED if write.op is Op.DELETE else Shape.EMPTY
    return Shape.SAME


class Given(NamedTuple):
    """Which further columns of a head a write sets, and which it gives a value should they have none."""

    columns: frozenset[str] = frozenset()
    defaults: frozenset[str] = frozenset()


def given_by(write: Saves) -> Given:
    """Return which columns of its head a write sets."""
    return Given(frozenset(write.columns), frozenset(write.defaults))


def _later(column: str, value: str, *, largest: str) -> str:
    """Return how a moment of a head goes on: to that of a write, but never back."""
    return f"{column} = {largest}(h.{column}, {value})"


@lru_cache(maxsize=256)
def head_update(kind: Versioned, given: Given, shape: Shape, largest: str, *, there: bool = False) -> str:
    """Return the statement that moves a head on to its next version, if it is at the one expected.

    Parameters:
      kind: the kind.
      given: which of its further columns are set.
      shape: what becomes of the payload, as in `shape_of`.
      largest: the function that returns the larger of two values.
      there: whether something must be there, whatever becomes of the payload.
    """
    guard = _IS_THERE if there else _GUARDS.get(shape, "")
    return (
        f"UPDATE {kind.heads} AS h SET {_moved(kind, given, shape, largest)} "  # noqa: S608  (of a kind's names)
        f"WHERE {_is(kind)} AND {_EXPECTED}{guard} RETURNING {listed(head_row(kind))}"
    )


@lru_cache(maxsize=256)
def head_insert(kind: Versioned, given: Given, largest: str) -> str:
    """Return the statement that makes a head with its first version, or moves on one that another writer has made."""
    names = [name for name in (*kind.both, *kind.head) if name in given.columns | given.defaults]
    columns = (*KEY, kind.key, "owner", "version", "body_version", "fingerprint", *names, *_TIMES)
    values = listed(columns, **{name: f":{name}" for name in columns} | {kind.key: ":key"} | _FIRST | _NOW)
    return (
        f"INSERT INTO {kind.heads} AS h ({listed(columns)}) VALUES ({values}) ON CONFLICT ({listed((*KEY, kind.key))}) "  # noqa: S608  (of a kind's names)
        f"DO UPDATE SET {_moved(kind, given, Shape.OWN, largest)} WHERE {_EXPECTED} RETURNING {listed(head_row(kind))}"
    )


@lru_cache(maxsize=256)
def heads_insert(kind: Versioned, given: Given, largest: str) -> str:
    """Return the statement that makes the heads of several saves, read from `given`, or moves those on that are there.

    Each save may expect a version of its own: only one that expects none, or 0, makes a head.
    """
    names = [name for name in (*kind.both, *kind.head) if name in given.columns | given.defaults]
    columns = (*KEY, kind.key, "owner", "version", "body_version", "fingerprint", *names, *_TIMES)
    values = listed(columns, **{name: f":{name}" for name in columns} | {kind.key: ":key"} | _FIRST | _NOW)
    moved = re.sub(r"(?<!:):(?!now\b|stamp\b)(\w+)", r"excluded.\1", _moved(kind, given, Shape.OWN, largest))
    mine = f"given.key_prefix = h.key_prefix AND given.key = h.{kind.key}"
    there = f"h.namespace = :namespace AND {mine}"
    returned = listed((*head_row(kind), "key_prefix", kind.key))
    return (
        f"INSERT INTO {kind.heads} AS h ({listed(columns)}) SELECT {values} FROM given "  # noqa: S608  (of a kind's names)
        f"WHERE coalesce(:expected, 0) = 0 OR EXISTS (SELECT 1 FROM {kind.heads} h WHERE {there}) "
        f"ORDER BY given.number ON CONFLICT ({listed((*KEY, kind.key))}) DO UPDATE SET {moved} "
        f"WHERE (SELECT {_EXPECTED} FROM given WHERE {mine}) RETURNING {returned}"
    )


def _moved(kind: Versioned, given: Given, shape: Shape, largest: str) -> str:
    names = [name for name in (*kind.both, *kind.head) if name in given.columns]
    unset = [name for name in (*kind.both, *kind.head) if name in given.defaults - given.columns]
    return ", ".join(
        [
            "version = h.version + 1",
            _BODIES[shape],
            _later("updated_time", ":now", largest=largest),
            _later("updated_at", ":stamp", largest=largest),
            *(f"{name} = :{name}" for name in names),
            *(f"{name} = coalesce(h.{name}, :{name})" for name in unset),
        ]
    )


def _is(kind: Versioned) -> str:
    return f"h.namespace = :namespace AND h.key_prefix = :key_prefix AND h.{kind.key} = :key"


@lru_cache(maxsize=64)
def version_columns(kind: Versioned) -> tuple[str, ...]:
    """Return the columns of a version that are written."""
    return (
        *KEY,
        kind.key,
        *("version", "op", "body_version", "fingerprint", "write_id", "saved_time", "created_at"),
        *ORIGIN,
        *kind.both,
        *kind.version,
        *kind.body,
    )


@lru_cache(maxsize=256)
def version_insert(kind: Versioned, source: str) -> str:
    """Return the statement that adds the version that a head has come to.

    Parameters:
      kind: the kind.
      source: where the row of the head is read from, as `head`: all of `HEAD`, and what the kind's versions share.
    """
    columns = version_columns(kind)
    own = {name: f":{name}" for name in columns} | {
        kind.key: ":key",
        "version": "head.version",
        "body_version": "head.body_version",
        "fingerprint": "head.fingerprint",
        "saved_time": "head.updated_time",
        "created_at": "head.updated_at",
        **{name: f"head.{name}" for name in kind.both},
        **_when(kind.version, "head.updated_time"),
        **{name: f"CASE WHEN head.body_version = head.version THEN :{name} END" for name in kind.body},
    }
    return f"INSERT INTO {kind.versions} ({listed(columns)}) SELECT {listed(columns, **own)} FROM {source}"  # noqa: S608  (of a kind's names)


@lru_cache(maxsize=64)
def counting(kind: Entries, given: frozenset[str], largest: str) -> str:
    """Return the statement that numbers the next entry of a stream, and makes its head if there is none.

    Parameters:
      kind: the entries' kind, which has a stream.
      given: which of the head's further columns are set, should it be made.
      largest: the function that returns the larger of two values.
    """
    assert kind.stream is not None  # noqa: S101  (only those are numbered)
    of, counter = kind.stream.of, kind.stream.counter
    names = [name for name in (*of.both, *of.head) if name in given]
    columns = (*KEY, of.key, "owner", counter, *names, *_TIMES)
    own = {name: f":{name}" for name in (*KEY, "owner")} | {name: f":head_{name}" for name in names}
    values = listed(columns, **own | {of.key: ":stream", counter: "1"} | _NOW)
    return (
        f"INSERT INTO {of.heads} AS h ({listed(columns)}) VALUES ({values}) "  # noqa: S608  (of a kind's names)
        f"ON CONFLICT ({listed((*KEY, of.key))}) DO UPDATE SET {counter} = h.{counter} + 1, "
        f"{_later('updated_time', ':now', largest=largest)}, {_later('updated_at', ':stamp', largest=largest)} "
        f"RETURNING {counter} AS seq, updated_time, updated_at"
    )


@lru_cache(maxsize=64)
def entry_insert(kind: Entries, source: str | None) -> str:
    """Return the statement that adds an entry, and returns its row's id.

    Parameters:
      kind: the kind.
      source: where its number is read from, as `head`: all of `NUMBERED`; None where it has none.
    """
    stream = () if kind.stream is None else (kind.stream.of.key, "seq")
    columns = (
        *KEY,
        kind.entry_id,
        *stream,
        *kind.columns,
        *kind.body,
        *("fingerprint", "write_id", "saved_time", "created_at", "expires_time"),
        *ORIGIN,
    )
    own = {name: f":{name}" for name in columns} | {kind.entry_id: ":entry_id"}
    if kind.stream is None:
        own |= {"saved_time": ":now", "created_at": ":stamp", **_when(kind.columns, ":now")}
    else:
        own |= {kind.stream.of.key: ":stream", "seq": "head.seq"}
        own |= {"saved_time": "head.updated_time", "created_at": "head.updated_at"}
        own |= _when(kind.columns, "head.updated_time")
    values = listed(columns, **own)
    rows = f"SELECT {values} FROM {source}" if source else f"VALUES ({values})"  # noqa: S608  (of a kind's names)
    return f"INSERT INTO {kind.table} ({listed(columns)}) {rows} RETURNING id"


def _when(columns: Sequence[str], moment: str) -> dict[str, str]:
    """Return what columns hold that say when something was: the moment of the write, unless another one is given."""
    return {name: f"coalesce(:{name}, {moment})" for name in columns if name == "timestamp"}


def save_values(write: Saves, now: float, codec: Codec) -> dict[str, Any]:
    """Return the parameters of the statements that save.

    Parameters:
      write: what is saved.
      now: the database's time in epoch seconds.
      codec: what payloads pass on their way.
    """
    kind, body = write.kind, write.body or {}
    given = {**write.defaults, **write.columns}
    if (mission := given.get("mission")) is not None:
        given["mission"] = codec.seal(mission, cells.of_mission(*write.key))
    return {
        **dict.fromkeys((*kind.both, *kind.head, *kind.version, *kind.body)),
        **given,
        **_sealed(kind.versions, body, write.key.namespace, write.write_id, codec),
        **_shared(write, write.key.namespace, write.key.prefix, now, codec),
        "key": write.key.name,
        "op": write.op.value,
        "owner": write.owner,
        "expected": write.expected,
        "points_at": write.points_at,
    }


def version_values(kind: Versioned, values: Mapping[str, Any], head: Sequence[Any]) -> dict[str, Any]:
    """Return the values of a version that a head has come to, by the names of its columns.

    Parameters:
      kind: the kind.
      values: the parameters by which it was saved.
      head: what the head's statement has returned.
    """
    row = dict(zip(head_row(kind), head, strict=True))
    own = {name: values[name] if row["body_version"] == row["version"] else None for name in kind.body}
    when = {name: row["updated_time"] for name in kind.version if name == "timestamp" and values[name] is None}
    moment = {"saved_time": row["updated_time"], "created_at": row["updated_at"]}
    return {**values, kind.key: values["key"], **row, **moment, **when, **own}


def enter_values(write: Enters, now: float, codec: Codec) -> dict[str, Any]:
    """Return the parameters of the statements that enter.

    Parameters:
      write: what is entered.
      now: the database's time in epoch seconds.
      codec: what payloads pass on their way.
    """
    body = {name: write.columns.get(name) for name in write.kind.body}
    return {
        **dict.fromkeys((*write.kind.columns, *write.kind.body)),
        **write.columns,
        **_sealed(write.kind.table, body, write.namespace, write.write_id, codec),
        **{f"head_{name}": value for name, value in write.head.items()},
        **_shared(write, write.namespace, write.prefix, now, codec),
        "entry_id": write.entry_id,
        "stream": write.stream,
        "owner": write.owner,
        "expires_time": write.expires_time,
    }


def tokens_of(write: Remembered, codec: Codec) -> tuple[str, ...]:
    """Return the words by which a write is found: none where what it says is encrypted, and its words are not indexed.

    Parameters:
      write: what is written.
      codec: what its payloads pass.
    """
    return write.tokens if codec.indexes else ()


def _sealed(
    table: str, body: Mapping[str, str | None], namespace: str, write_id: str, codec: Codec
) -> dict[str, str | None]:
    return {
        name: None if text is None else codec.seal(text, cells.of_write(table, name, namespace, write_id))
        for name, text in body.items()
    }


def _shared(write: Remembered, namespace: str, prefix: str, now: float, codec: Codec) -> dict[str, Any]:
    origin = (None,) * len(ORIGIN) if write.origin is None else write.origin
    return {
        "namespace": namespace,
        "key_prefix": prefix,
        "fingerprint": None if write.fingerprint is None else codec.fingerprint(write.fingerprint),
        "write_id": write.write_id,
        "now": told(now),
        "stamp": rfc3339(now),
        **dict(zip(ORIGIN, origin, strict=True)),
    }
