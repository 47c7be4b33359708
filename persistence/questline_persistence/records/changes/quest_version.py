"""One version of a quest, without what it holds: what made it, and how far the quest was then.

The versions of a quest have no gap and one order: each is committed under the lock of the quest's ticket, after the one
before it. So whoever has seen one version needs no more than its number to get all that follow, and none twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from questline_persistence.schema import snapshots, steps
from questline_persistence.states import SnapshotReason

#: Most versions that one look returns.
PAGE = 200
#: Most quests whose versions one statement asks for.
ASKED = 100


@dataclass(frozen=True, slots=True)
class QuestVersion:
    """One version of a quest.

    Parameters:
      quest_id: the quest.
      version: its number, from 0.
      epoch: the quest's replay number at that time.
      reason: what made it.
      position: the step that was next; None where nothing remained.
      completed: how many steps had succeeded.
      remaining: how many were left.
      created_at: when it was made, as text in RFC 3339.
    """

    quest_id: str
    version: int
    epoch: int
    reason: SnapshotReason
    position: str | None
    completed: int
    remaining: int
    created_at: str


_PLANNED = (
    select(func.count())
    .where(
        steps.c.quest_id == snapshots.c.quest_id,
        steps.c.epoch == snapshots.c.epoch,
        steps.c.since_version <= snapshots.c.version,
    )
    .correlate(snapshots)
)
_VERSIONS = select(
    snapshots.c.quest_id,
    snapshots.c.version,
    snapshots.c.epoch,
    snapshots.c.snapshot_reason,
    snapshots.c.position,
    snapshots.c.created_at,
    _PLANNED.scalar_subquery().label("planned"),
    _PLANNED.where(steps.c.position >= snapshots.c.position).scalar_subquery().label("remaining"),
).order_by(snapshots.c.quest_id, snapshots.c.version)


def versions_after(connection: Connection, seen: Mapping[str, int]) -> dict[str, list[QuestVersion]]:
    """Return the versions of quests that follow those seen, in their order, by the quests' ids.

    Where there are many, it returns the first of them; of each quest without a gap.

    Parameters:
      connection: a transaction that reads.
      seen: of each quest, the version after which to begin; -1 begins with the first.
    """
    found: dict[str, list[QuestVersion]] = {}
    entries = iter(seen.items())
    while asked := list(islice(entries, ASKED)):
        for row in _rows(connection, asked):
            found.setdefault(row.quest_id, []).append(_version(row))
    return found


def _rows(connection: Connection, asked: Sequence[tuple[str, int]]) -> Sequence[Any]:
    later = (and_(snapshots.c.quest_id == quest_id, snapshots.c.version > version) for quest_id, version in asked)
    return connection.execute(_VERSIONS.where(or_(*later)).limit(PAGE)).all()


def _version(row: Row[Any]) -> QuestVersion:
    return QuestVersion(
        row.quest_id,
        row.version,
        row.epoch,
        SnapshotReason(row.snapshot_reason),
        row.position,
        completed=row.planned - row.remaining,
        remaining=row.remaining,
        created_at=row.created_at,
    )
