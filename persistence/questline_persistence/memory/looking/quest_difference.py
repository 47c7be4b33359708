"""What two quests have made of the same things: a key that either has written, what both began with, and what is left.

A quest's own key goes before a shared one of the same name, as for its Lords; so the copy that a fork has is compared
with what it was copied from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from questline_persistence.kinds import VERSIONED, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.merging import StateChange, difference
from questline_persistence.payload import decode
from questline_persistence.schema import same_key, tables_of
from questline_persistence.writes import Key, Op, own_name


@dataclass(frozen=True, slots=True)
class Side:
    """What a quest has left of a key, or what it began with.

    Parameters:
      key: the key's name.
      version: the version.
      value: what it says, as JSON data; None where it is a deletion, or was purged.
      abandoned_by: the epoch whose replay has dropped it; None while it counts.
    """

    key: str
    version: int
    value: Any
    abandoned_by: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "key": self.key,
            "version": self.version,
            "value": self.value,
            "abandoned_by": self.abandoned_by,
        }


@dataclass(frozen=True, slots=True)
class KeyDifference:
    """A key that at least one of two quests has written.

    Parameters:
      kind: what it is, as "agent state".
      key_prefix: its key prefix, "" for none.
      name: what both quests call it.
      base: what they began with; None where nothing was there, or where each has a key of its own.
      ours: what the first quest has left; None where it has written nothing.
      theirs: what the other one has left, likewise.
    """

    kind: str
    key_prefix: str
    name: str
    base: Side | None
    ours: Side | None
    theirs: Side | None

    @property
    def changes(self) -> list[StateChange]:
        """What leads from the first quest's value to the other's; nothing where one has written none."""
        if self.ours is None or self.theirs is None:
            return []
        return difference(self.ours.value, self.theirs.value)

    @property
    def is_alike(self) -> bool:
        """Whether both have left the same."""
        return self.ours is not None and self.theirs is not None and not self.changes

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        sides = {"base": self.base, "ours": self.ours, "theirs": self.theirs}
        return {
            "kind": self.kind,
            "key_prefix": self.key_prefix,
            "name": self.name,
            **{name: None if side is None else side.to_json() for name, side in sides.items()},
            "changes": [change.to_json() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class _Written:
    """A key that a quest has written, or that is its own: its first and last versions there."""

    key: Key
    name: str
    is_own: bool
    first: int
    last: int
    abandoned_by: int | None


def quest_difference(kept: Kept, quest_id: str, other: str) -> list[KeyDifference]:
    """Return the keys that two quests have written, all of them, by kind and name, whatever their key prefix.

    A key that was left out of one side would look as if the other quest alone had written it.

    Parameters:
      kept: where they are kept; its namespace counts.
      quest_id: the first quest.
      other: the other one.
    """

    def work(connection: Connection, _: float) -> list[KeyDifference]:
        return [
            one for kind in VERSIONED for one in _Looking(connection, kind, kept.namespace).compare(quest_id, other)
        ]

    return kept.read(work)


@dataclass(frozen=True, slots=True)
class _Looking:
    """Compares what quests have written of a kind."""

    connection: Connection
    kind: Versioned
    namespace: str

    def compare(self, quest_id: str, other: str) -> Iterator[KeyDifference]:
        """Yield the keys that either has written, by prefix and name."""
        sides = [self._written(each) for each in (quest_id, other)]
        for place in sorted({*sides[0], *sides[1]}):
            for ours, theirs in zip_longest(*(side.get(place, ()) for side in sides)):
                told = [
                    None if one is None else self._side(one.key, one.last, one.abandoned_by) for one in (ours, theirs)
                ]
                found = KeyDifference(self.kind.name, *place, self._base(ours, theirs), *told)
                if not _is_untouched(found, ours or theirs):
                    yield found

    def _written(self, quest_id: str) -> dict[tuple[str, str], list[_Written]]:
        """Return the keys that a quest has written, by prefix and name; its own go before shared ones."""
        found: dict[tuple[str, str], list[_Written]] = {}
        for row in self.connection.execute(_written(self.kind, self.namespace, quest_id)):
            own = own_name(quest_id, "")
            is_own = quest_id in {row.owner, row.key} or row.key.startswith(own)
            one = _Written(
                key=Key(self.namespace, row.key_prefix, row.key),
                name="" if row.key == quest_id else row.key.removeprefix(own),
                is_own=is_own,
                first=row.first or row.oldest,
                last=row.present if is_own else row.last or row.newest,
                abandoned_by=None if row.last else row.abandoned_by,
            )
            found.setdefault((row.key_prefix, one.name), []).append(one)
        return {place: sorted(several, key=lambda one: not one.is_own) for place, several in found.items()}

    def _base(self, ours: _Written | None, theirs: _Written | None) -> Side | None:
        """Return what both began with: what a fork has copied, or what was there before either has written."""
        written = [one for one in (theirs, ours) if one is not None]
        for one in written:
            row = reading.at_version(self.connection, self.kind, one.key, one.first)
            if one.is_own and row is not None and row.op == Op.FORK:
                return Side(one.key.name, one.first, self._value(row))
        if len({one.key for one in written}) > 1 or any(one.is_own for one in written):
            return None
        before = min(one.first for one in written) - 1
        return self._side(written[0].key, before) if before else None

    def _side(self, key: Key, version: int, abandoned_by: int | None = None) -> Side:
        row = reading.at_version(self.connection, self.kind, key, version)
        return Side(key.name, version, None if row is None else self._value(row), abandoned_by)

    def _value(self, row: Row[Any]) -> Any:
        """Return what a version says: its payload, and the columns that are saved with it."""
        told = {name.removesuffix("_json"): _plain(getattr(row, name)) for name in (*self.kind.both, *self.kind.body)}
        value = told if len(told) > 1 else next(iter(told.values()))
        if isinstance(value, dict):
            value.pop(self.kind.key, None)  # a context says its key, too: that of a quest's own is always another
        return value


def _is_untouched(found: KeyDifference, written: _Written) -> bool:
    """Tell whether it is only a fork's copy, as it was made: the other quest has at most added entries to the key."""
    side = found.theirs if found.ours is None else found.ours
    alone = found.ours is None or found.theirs is None
    as_made = written.is_own and written.first == written.last
    return alone and as_made and (found.base is not None or side is None or side.value is None)


def _written(kind: Versioned, namespace: str, quest_id: str) -> Select[Any]:
    """Return the query for keys with versions that a quest has written: the first and last that count, and of all."""
    heads, versions = tables_of(kind)
    counting = case((versions.c.abandoned_by.is_(None), versions.c.version))
    told: list[ColumnElement[Any]] = [
        *(versions.c.key_prefix, versions.c[kind.key].label("key")),
        *(heads.c.owner, heads.c.version.label("present")),
        *(func.min(counting).label("first"), func.max(counting).label("last")),
        *(func.min(versions.c.version).label("oldest"), func.max(versions.c.version).label("newest")),
        func.max(versions.c.abandoned_by).label("abandoned_by"),
    ]
    return (
        select(*told)
        .join_from(versions, heads, same_key(kind, heads, versions))
        .where(versions.c.namespace == namespace, versions.c.quest_id == quest_id)
        .group_by(versions.c.key_prefix, versions.c[kind.key], heads.c.owner, heads.c.version)
    )


def _plain(value: Any) -> Any:
    """Return what JSON text holds; any other value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        with suppress(ValueError, RecursionError):
            return decode(value)
    return value
