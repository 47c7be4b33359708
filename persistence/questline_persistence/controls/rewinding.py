"""What a replay does with what Lords remember: rows that no longer count are marked, and keys go back to what counts.

Nobody else's version is ever hidden: a key on which somebody has saved since stays as it is. Heads are locked by table
and key, then entries by table and id, as whoever writes them locks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, case, literal, null, or_, select, update

from questline_persistence.controls.contents import add_words, content_of, locked, order_of_keys
from questline_persistence.controls.key_change import Fate, KeyChange
from questline_persistence.controls.lineage import Lineage
from questline_persistence.controls.traces import written_by
from questline_persistence.dialects import Dialect, dialect_of
from questline_persistence.journal import remember
from questline_persistence.kinds import ENTRIES, KEY, VERSIONED, Entries, Versioned
from questline_persistence.schema import of_keys, same_key, table_of, tables_of
from questline_persistence.writes import Key, Op, Origin, Saves


@dataclass(frozen=True, slots=True)
class Rewinding:
    """Takes what a quest's steps have written back to one of its versions.

    Parameters:
      connection: the replay's transaction, which has locked the quest's rows.
      origin: the replay, as what writes the versions by which keys go back.
      keep_shared: whether keys that are not the quest's own stay as they are.
      now: the database's time in epoch seconds.
    """

    connection: Connection
    origin: Origin
    keep_shared: bool
    now: float

    def take_back(self, version: int, *, dry_run: bool) -> tuple[KeyChange, ...]:
        """Take all back to `version`; return what becomes of keys.

        Parameters:
          dry_run: change nothing, and lock nothing, only say what would be.
        """
        quest_id = self.origin.quest_id
        written = written_by(self.connection, quest_id)
        if not written:
            return ()
        lineage = Lineage.back(self.connection, quest_id, self.origin.quest_version - 1, to=version)
        kinds = [kind for kind in VERSIONED if kind.versions in written]
        entries = () if dry_run else [kind for kind in ENTRIES if kind.table in written]
        changes = [change for kind in kinds for change in self._keys(kind, lineage, dry_run=dry_run)]
        for kind in entries:
            self._mark_entries(kind, lineage)
        return tuple(changes)

    def _keys(self, kind: Versioned, lineage: Lineage, *, dry_run: bool) -> list[KeyChange]:
        """Take the keys of a kind back to what counts, but for those that somebody else has saved since."""
        heads, versions = tables_of(kind)
        touched = of_keys(kind, heads, versions, lineage.wrote(versions))
        if dry_run:
            return [change for _, change in self._found(kind, lineage, touched)]
        self.connection.execute(locked(select(heads.c.id).where(touched), heads, kind.key, self._dialect))
        found = self._found(kind, lineage, touched)
        marked = update(versions).where(*_changing(versions, lineage)).values(self._mark(versions, lineage))
        self.connection.execute(marked)
        for row, change in found:
            if change.fate is Fate.REWOUND:
                self._rewind(kind, row)
        return [change for _, change in found]

    def _found(
        self, kind: Versioned, lineage: Lineage, touched: ColumnElement[bool]
    ) -> list[tuple[Row[Any], KeyChange]]:
        """Return the keys that steps have written which no longer count, and what becomes of each."""
        rows = self.connection.execute(_dropped(kind, lineage, self._dialect).where(touched))
        return [(row, self._change(kind, row)) for row in rows if not _is_nothing(row)]

    def _change(self, kind: Versioned, row: Row[Any]) -> KeyChange:
        fate = Fate.KEPT
        if row.is_newest:
            own = row.owner == self.origin.quest_id
            fate = Fate.LEFT if self.keep_shared and not own else Fate.REWOUND
        to = row.target if fate is Fate.REWOUND and row.target_body else None
        return KeyChange(fate, kind.name, row.key_prefix, row.key, row.version, to, row.quest_id)

    def _rewind(self, kind: Versioned, row: Row[Any]) -> None:
        """Add a version that points at the payload of the newest one which counts; or at none, if none does."""
        key = Key(row.namespace, row.key_prefix, row.key)
        columns, body = content_of(self.connection, kind, key, row.target)
        back = Saves(
            *(kind, key, Op.REWIND),
            columns=columns,
            body=body,
            points_at=row.target_body,
            expected=row.version,
            origin=self.origin,
        )
        remember(self.connection, self._dialect, [back], self.now)

    def _mark_entries(self, kind: Entries, lineage: Lineage) -> None:
        """Mark entries that no longer count, and take the marks of those that count again; their words likewise."""
        table = table_of(kind)
        changing = select(table.c.id).where(*_changing(table, lineage))
        ids = locked(changing, table, kind.entry_id, self._dialect)
        self.connection.execute(update(table).where(table.c.id.in_(ids)).values(self._mark(table, lineage)))
        if kind.searched:
            gone = select(table.c.id).where(lineage.wrote(table), table.c.abandoned_by.is_not(None))
            self._dialect.remove_texts(self.connection, table.name, gone)
            add_words(self.connection, kind, lineage.wrote(table))

    def _mark(self, rows: Table, lineage: Lineage) -> dict[str, ColumnElement[Any]]:
        return {"abandoned_by": case((lineage.counts(rows), null()), else_=self.origin.epoch)}

    @property
    def _dialect(self) -> Dialect:
        return dialect_of(self.connection)


def _dropped(kind: Versioned, lineage: Lineage, dialect: Dialect) -> Select[Any]:
    """Return the query for keys that steps have written which no longer count, and for the newest version that does.

    A key's newest version may be one of these steps', or that of somebody who has saved it since.
    """
    heads, versions = tables_of(kind)
    newest, dropped, older, target = (versions.alias(name) for name in ("newest", "dropped", "older", "target"))
    number = select(older.c.version).where(
        same_key(kind, heads, older), older.c.version < heads.c.version, lineage.stands(older)
    )
    number = number.order_by(older.c.version.desc()).limit(1).correlate(heads)
    is_newest = and_(lineage.wrote(newest), ~lineage.counts(newest))
    newly = (same_key(kind, heads, dropped), lineage.wrote(dropped), dropped.c.abandoned_by.is_(None))
    return (
        select(
            *(heads.c[name] for name in (*KEY, "owner", "version", "body_version")),
            *(heads.c[kind.key].label("key"), newest.c.quest_id, is_newest.label("is_newest")),
            *(target.c.version.label("target"), target.c.body_version.label("target_body")),
        )
        .join_from(heads, newest, and_(same_key(kind, heads, newest), newest.c.version == heads.c.version))
        .outerjoin(target, and_(same_key(kind, heads, target), target.c.version == number.scalar_subquery()))
        .where(or_(is_newest, select(literal(1)).where(*newly, ~lineage.counts(dropped)).exists()))
        .order_by(*order_of_keys(heads, kind.key, dialect))
    )


def _is_nothing(row: Row[Any]) -> bool:
    """Return whether a key that goes back has nothing now, and nothing then."""
    return bool(row.is_newest) and row.body_version is None and row.target_body is None


def _changing(rows: Table, lineage: Lineage) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a row ceases to count, or counts again."""
    return lineage.wrote(rows), rows.c.abandoned_by.is_(None) != lineage.counts(rows)
