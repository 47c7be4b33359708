"""Which quests of a namespace are no longer as they were when somebody last asked.

Three things tell. Whatever makes a version adds a snapshot. Whatever a person or a program does to a quest adds a row
to the audit. And a quest of which a step begins, or ends without a result, comes into or goes out of those that run.
Snapshots and audit are numbered as they are written, and `LateIds` sees to those that are committed late.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, select, union_all

from questline_persistence.audit import AuditVerb
from questline_persistence.payload import decode
from questline_persistence.records.changes.late_ids import LateIds
from questline_persistence.records.changes.quest_state import QuestState, states_of
from questline_persistence.schema import audit, in_state, snapshots, tickets
from questline_persistence.states import TicketState
from questline_persistence.store import Database

#: How many of the newest rows are looked at to begin with, for numbers among them that are yet to be committed.
LOOK_BACK = 1_000
#: Most new rows that one look reads of each table, and most running steps.
PAGE = 5_000
#: Most quests whose state is remembered, so that none is told twice.
REMEMBERED = 20_000

_AUDIT = (audit.c.audit_id, audit.c.quest_id, audit.c.namespace, audit.c.verb, audit.c.outcome)
_SNAPSHOTS = (snapshots.c.snapshot_id, snapshots.c.quest_id)


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed in a namespace.

    Parameters:
      states: where the quests stand that have changed.
      deleted: the ids of quests that are gone.
      more: whether more is there to be read at once.
    """

    states: tuple[QuestState, ...] = ()
    deleted: tuple[str, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look has read."""

    snapshots: Sequence[Row[Any]]
    audit: Sequence[Row[Any]]
    running: frozenset[str]
    states: dict[str, QuestState]
    gone: tuple[str, ...]


class ChangedQuests:
    """Tells what has changed in one namespace since it was last asked. One thread at a time may ask.

    Parameters:
      database: the store.
      namespace: the tenant; nothing is told of another.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace
        self._snapshots = LateIds()
        self._audit = LateIds()
        self._running: frozenset[str] = frozenset()
        self._told: dict[str, QuestState] = {}
        self._begun = False

    def look(self) -> Changes:
        """Return what has changed since the last call; the first one returns nothing.

        What is committed while it looks is told now or by the next call. A quest that has changed several times since
        is told once, as it is now.
        """
        found = self.database.read(self._read)
        noted, added = ([row[0] for row in rows] for rows in (found.audit, found.snapshots))
        if not self._begun:  # what is older than what was looked at has been there
            self._audit, self._snapshots = LateIds(min(noted, default=1) - 1), LateIds(min(added, default=1) - 1)
        now = time.monotonic()
        self._audit.see(noted, now)
        self._snapshots.see(added, now)
        self._running = found.running
        if not self._begun:
            self._begun = True
            return Changes()
        changed = tuple(state for state in found.states.values() if self._told.get(state.quest_id) != state)
        for state in changed:
            self._told.pop(state.quest_id, None)
            self._told[state.quest_id] = state
        while len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        more = max(len(found.snapshots), len(found.audit)) >= PAGE
        return Changes(changed, tuple(one for one in found.gone if one not in found.states), more)

    def _read(self, connection: Connection) -> _Read:
        self.database.dialect.plan_by_keys(connection)  # else rows may be compared with each other, or all be read
        added = connection.execute(self._new(self._snapshots, _SNAPSHOTS)).all()
        noted = connection.execute(self._new(self._audit, _AUDIT)).all()
        here = tickets.c.namespace == self.namespace
        query = select(tickets.c.quest_id).where(here, in_state(TicketState.RUNNING)).limit(PAGE)
        running = frozenset(connection.execute(query).scalars())
        if not self._begun:
            return _Read(added, noted, running, {}, ())
        ids = {row.quest_id for row in (*added, *noted) if row.quest_id is not None} | (running ^ self._running)
        states = states_of(connection, self.namespace, ids) if ids else {}
        gone = tuple(one for row in noted if row.namespace == self.namespace for one in _deleted(row))
        return _Read(added, noted, running, states, gone)

    def _new(self, seen: LateIds, columns: Sequence[Column[Any]]) -> Select[Any]:
        """Return what selects the rows of a table that were not seen yet, of all namespaces: else theirs look late."""
        number = columns[0]
        if not self._begun:
            return select(*columns).order_by(number.desc()).limit(LOOK_BACK)
        ahead = select(*columns).where(number > seen.highest).order_by(number).limit(PAGE)
        if not seen.missing:
            return ahead
        late = select(*columns).where(number.in_(seen.missing))
        both = union_all(select(ahead.subquery()), late).subquery()
        return select(both)


def _deleted(row: Row[Any]) -> list[str]:
    """Return the ids of the quests that an entry of the audit has removed."""
    if row.verb == AuditVerb.PRUNE:
        return list(decode(row.outcome).get("quest_ids", []))
    return [row.quest_id] if row.verb == AuditVerb.DELETE and row.quest_id is not None else []
