"""What a fork begins with of what Lords remember: copies of its own, as the steps that count for it have left them.

It has a copy of each key that is the other quest's own, and of each shared key that the other quest's steps have
written or added to since, so that what is there now is not what the fork inherits. All other shared keys are there for
it as for any quest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Row,
    ScalarSelect,
    Select,
    Table,
    and_,
    case,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.exc import IntegrityError

from questline_persistence.controls.contents import add_words, content_of, renamed
from questline_persistence.controls.key_change import Fate, KeyChange
from questline_persistence.controls.lineage import Lineage
from questline_persistence.controls.traces import kept_or_written_by
from questline_persistence.dialects import dialect_of
from questline_persistence.errors import QuestConflict
from questline_persistence.journal import remember
from questline_persistence.kinds import KEY, VERSIONED, Entries, Versioned, entries_of
from questline_persistence.schema import fetched, is_key, made_at, of_keys, same_key, sealed, table_of, tables_of
from questline_persistence.writes import Key, Op, Origin, Saves, own_name

#: Most entries of a stream that a fork begins with: the newest.
MAX_ENTRIES = 10_000

#: Columns of heads that name a key.
_NAMES = frozenset(kind.key for kind in VERSIONED)


@dataclass(frozen=True, slots=True)
class Inherited:
    """A key of which a fork may have a copy.

    Parameters:
      kind: what it is.
      key: the key.
      copy: the fork's key.
      is_own: whether it is the other quest's own.
      head: the row of its head, with the version that the fork inherits, if any.
    """

    kind: Versioned
    key: Key
    copy: Key
    is_own: bool
    head: Row[Any]

    @property
    def is_copied(self) -> bool:
        """Whether the fork has a copy: of an own key if there was anything, of a shared one if it is another now."""
        if self.is_own:
            return self.head.said is not None or any(getattr(self.head, name) for name in self.kind.counters)
        if self.head.added:
            return True
        names = ("fingerprint", *self.kind.both) if self.head.then_body_version else ("fingerprint",)
        return any(getattr(self.head, name) != getattr(self.head, f"then_{name}") for name in names)

    @property
    def rank(self) -> int:
        """Which goes before another that would have the same copy: what the other quest saw when it looked there."""
        return 1 if not self.is_own else 2 * (self.head.said is None)


@dataclass(frozen=True, slots=True)
class Inheriting:
    """Copies for a fork what it inherits.

    Parameters:
      connection: the fork's transaction, which has locked the other quest's rows and made the fork's.
      parent: the other quest.
      fork: what writes the copies: the beginning of the fork.
      now: the database's time in epoch seconds.
    """

    connection: Connection
    parent: str
    fork: Origin
    now: float

    def inherit(self, version: int, *, dry_run: bool) -> tuple[KeyChange, ...]:
        """Copy what counts at a version of the other quest; return what the fork has of keys that are shared.

        Parameters:
          version: the other quest's version at which the fork begins.
          dry_run: change nothing, only say what would be.

        Raises:
          QuestConflict: somebody uses a key already that is to be the fork's own.
        """
        found = kept_or_written_by(self.connection, self.parent)
        if not found:
            return ()
        lineage = Lineage.at(self.connection, self.parent, version)
        kinds = [kind for kind in VERSIONED if found & _tables(kind)]
        inherited = [one for kind in kinds for one in self._inherited(kind, lineage)]
        if not dry_run:
            self._copy(inherited, lineage)
        return tuple(_told(one) for one in inherited if not one.is_own)

    def _inherited(self, kind: Versioned, lineage: Lineage) -> list[Inherited]:
        """Return the keys of a kind of which the fork has a copy, in the order in which these are locked."""
        found: dict[Key, Inherited] = {}
        rows = fetched(self.connection, _left(kind, lineage))
        for one in sorted((self._of(kind, row) for row in rows), key=lambda each: each.rank):
            if one.is_copied:
                found.setdefault(one.copy, one)
        return [found[key] for key in sorted(found, key=lambda key: [part.encode() for part in key])]

    def _of(self, kind: Versioned, row: Row[Any]) -> Inherited:
        key = Key(row.namespace, row.key_prefix, getattr(row, kind.key))
        copy = key._replace(name=self._own(key.name) or own_name(self.fork.quest_id, key.name))
        return Inherited(kind, key, copy, row.owner == self.parent, row)

    def _own(self, name: str) -> str | None:
        """Return what a name of the other quest's own is called as one of the fork's; None for any other name."""
        if name == self.parent:
            return self.fork.quest_id
        prefix = own_name(self.parent, "")
        return own_name(self.fork.quest_id, name.removeprefix(prefix)) if name.startswith(prefix) else None

    def _columns(self, one: Inherited) -> dict[str, Any]:
        """Return what the head of a copy has besides its payload; whose own keys it names are the fork's own then."""
        columns = {name: getattr(one.head, name) for name in (*one.kind.both, *one.kind.head)}
        named = {name: self._own(columns[name]) for name in _NAMES if columns.get(name)}
        return columns | {name: value for name, value in named.items() if value}

    def _copy(self, inherited: list[Inherited], lineage: Lineage) -> None:
        try:
            for one in inherited:
                self._make_head(one)
            for one in inherited:
                self._copy_version(one)
                self._copy_streams(one, lineage)
        except IntegrityError:
            message = f"a key that would be quest {self.fork.quest_id}'s own is used already"
            raise QuestConflict(message, hint="give the fork another id, or none") from None

    def _make_head(self, one: Inherited) -> None:
        heads = tables_of(one.kind).heads
        key = dict(zip((*KEY, one.kind.key), one.copy, strict=True))
        columns = sealed(self.connection, heads, {**key, **self._columns(one)})
        made = insert(heads).values(**columns, **made_at(self.now), owner=self.fork.quest_id)
        self.connection.execute(made)

    def _copy_version(self, one: Inherited) -> None:
        """Save the version that the fork inherits as the first of its own; it may be one of which nothing is there."""
        if one.is_own and one.head.said is None:
            return  # it sees what others share under this name, as its parent did at first
        columns, body = content_of(self.connection, one.kind, one.key, one.head.said)
        copy = Saves(
            *(one.kind, one.copy, Op.FORK),
            columns={**self._columns(one), **columns},
            body=body and renamed(one.kind, body, one.key.name, one.copy.name),
            expected=0,
            owner=self.fork.quest_id,
            origin=self.fork,
        )
        remember(self.connection, dialect_of(self.connection), [copy], self.now)

    def _copy_streams(self, one: Inherited, lineage: Lineage) -> None:
        heads = tables_of(one.kind).heads
        for kind, counter in _streams(one.kind):
            entries = table_of(kind)
            names, chosen = _entries(kind, one, lineage)
            self.connection.execute(insert(entries).from_select(names, chosen))
            own = is_key(entries, one.kind, one.copy)
            count = select(func.count()).select_from(entries).where(*own).scalar_subquery()
            counted = update(heads).where(*is_key(heads, one.kind, one.copy)).values({counter: count})
            self.connection.execute(counted)
            if kind.searched:
                add_words(self.connection, kind, *own)


def _streams(kind: Versioned) -> list[tuple[Entries, str]]:
    """Return the entries that keys of a kind number, each with the counter that does."""
    return [(entries, entries.stream.counter) for entries in entries_of(kind) if entries.stream]


def _tables(kind: Versioned) -> set[str]:
    """Return the tables of keys of a kind, of their versions, and of what they number."""
    return {kind.heads, kind.versions, *(entries.table for entries, _ in _streams(kind))}


def _left(kind: Versioned, lineage: Lineage) -> Select[Any]:
    """Return the query for keys that are a quest's own, or that steps of it have written which do not count.

    `said` is the version that the last step which counts has left, with what others added before the next one; `added`
    tells whether it has entries that the fork does not inherit, or lacks some which it does.
    """
    heads, versions = tables_of(kind)
    newest, said = versions.alias("newest"), versions.alias("then")

    def of_key(rows: FromClause) -> ColumnElement[bool]:
        return same_key(kind, heads, rows)

    dropped = _first_dropped(versions, "version", of_key, lineage, heads)
    older = versions.alias("older")
    before = or_(dropped.is_(None), older.c.version < dropped)
    number = select(older.c.version).where(of_key(older), before, lineage.stands(older))
    number = number.order_by(older.c.version.desc()).limit(1).correlate(heads)
    added = or_(false(), *(_other_entries(kind, entries, lineage, heads) for entries, _ in _streams(kind)))
    return (
        select(
            *heads.c,
            *(newest.c.quest_id.label("newest_quest"), said.c.version.label("said"), added.label("added")),
            *(said.c[name].label(f"then_{name}") for name in ("body_version", "fingerprint", *kind.both)),
        )
        .outerjoin_from(heads, newest, and_(of_key(newest), newest.c.version == heads.c.version))
        .outerjoin(said, and_(of_key(said), said.c.version == number.scalar_subquery()))
        .where(
            heads.c.id.in_(_touched(kind, lineage)),
            or_(heads.c.owner == lineage.quest_id, dropped.is_not(None), added),
        )
    )


def _touched(kind: Versioned, lineage: Lineage) -> CompoundSelect[int]:
    """Return the query for the heads that are a quest's own, or that steps have written which do not count."""
    heads, versions = (table.alias() for table in tables_of(kind))
    written = [of_keys(kind, heads, versions, lineage.wrote(versions), ~lineage.counts(versions))]
    for entries, _ in _streams(kind):
        rows = table_of(entries).alias()
        written.append(of_keys(kind, heads, rows, *_shown_otherwise(rows, lineage)))
    own = select(heads.c.id).where(heads.c.owner == lineage.quest_id)
    return union(own, *(select(heads.c.id).where(one) for one in written))


def _other_entries(kind: Versioned, entries: Entries, lineage: Lineage, heads: Table) -> ColumnElement[bool]:
    """Return the condition that a stream of a key is not as the fork inherits it."""
    rows = table_of(entries).alias()
    found = select(rows.c.id).where(same_key(kind, heads, rows), *_shown_otherwise(rows, lineage))
    return found.correlate(heads).exists()


def _shown_otherwise(rows: FromClause, lineage: Lineage) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a step has added an entry that is there and does not count, or vice versa."""
    counts = case((lineage.counts(rows), rows.c.abandoned_by.is_not(None)), else_=rows.c.abandoned_by.is_(None))
    return lineage.wrote(rows), rows.c.deleted_at.is_(None), counts


def _first_dropped(
    rows: Table,
    number: str,
    of_key: Callable[[FromClause], ColumnElement[bool]],
    lineage: Lineage,
    *heads: Table,
) -> ScalarSelect[int]:
    """Return the number of a quest's first row of a key behind those that count; NULL where there is none."""
    counting, dropped = rows.alias("counting"), rows.alias("dropped")
    last = select(func.max(counting.c[number])).where(of_key(counting), lineage.wrote(counting))
    last = last.where(lineage.counts(counting)).correlate(*heads)
    behind = dropped.c[number] > func.coalesce(last.scalar_subquery(), 0)
    first = select(func.min(dropped.c[number])).where(of_key(dropped), lineage.wrote(dropped), behind)
    return first.correlate(*heads).scalar_subquery()


def _entries(kind: Entries, one: Inherited, lineage: Lineage) -> tuple[list[str], Select[Any]]:
    """Return the columns of entries, and the query for copies of those of a stream that a fork inherits."""
    entries = table_of(kind)

    def of_key(rows: FromClause) -> ColumnElement[bool]:
        return and_(*(rows.c[name] == value for name, value in zip((*KEY, one.kind.key), one.key, strict=True)))

    dropped = _first_dropped(entries, "seq", of_key, lineage)
    before = or_(dropped.is_(None), entries.c.seq < dropped)
    there = (of_key(entries), before, lineage.stands(entries), entries.c.deleted_at.is_(None))
    newest = select(entries).where(*there).order_by(entries.c.seq.desc()).limit(MAX_ENTRIES).subquery()
    same = (*KEY, *kind.columns, *kind.body, "fingerprint", "write_id", "saved_time", "created_at", "expires_time")
    copied = {name: newest.c[name] for name in same} | {
        kind.entry_id: literal(own_name(one.copy.name, "")) + newest.c[kind.entry_id],
        one.kind.key: literal(one.copy.name),
        "seq": func.row_number().over(order_by=newest.c.seq),
    }
    return list(copied), select(*copied.values())


def _told(one: Inherited) -> KeyChange:
    to = one.head.said if one.head.then_body_version else None
    return KeyChange(
        *(Fate.COPIED, one.kind.name, one.key.prefix, one.key.name, one.head.version, to, one.head.newest_quest)
    )
