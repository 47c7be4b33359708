"""Where a quest stands, read for many quests at once and without anything that grows with their length."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from questline_persistence.schema import quests, snapshots, tickets
from questline_persistence.states import ExecutionStatus

#: Most quests that one statement asks for.
ASKED = 500


@dataclass(frozen=True, slots=True)
class QuestState:
    """Where a quest stands.

    Parameters:
      quest_id: the quest.
      status: its status.
      epoch: its replay number.
      version: the version of its state.
      position: the next step; None where nothing remains.
      attempt: how often that step has failed so far.
      updated_at: when its status changed last, as text in RFC 3339.
    """

    quest_id: str
    status: ExecutionStatus
    epoch: int
    version: int
    position: str | None
    attempt: int
    updated_at: str


#: Where a quest stood at its newest version; asked for where no ticket tells.
_STOOD = (
    select(snapshots.c.position)
    .where(snapshots.c.quest_id == quests.c.quest_id, snapshots.c.version == quests.c.version)
    .correlate(quests)
    .scalar_subquery()
)
#: The namespace is compared afterwards: SQLite would look through all quests of one by its index.
_STATES = (
    select(
        quests.c.namespace,
        quests.c.quest_id,
        quests.c.status,
        func.coalesce(tickets.c.epoch, quests.c.epoch).label("epoch"),
        func.coalesce(tickets.c.version, quests.c.version).label("version"),
        func.coalesce(tickets.c.position, _STOOD).label("position"),
        func.coalesce(tickets.c.attempt, 0).label("attempt"),
        quests.c.updated_at,
    )
    .select_from(quests.outerjoin(tickets, tickets.c.quest_id == quests.c.quest_id))
    .where(quests.c.quest_id.in_(bindparam("ids", expanding=True)))
)


def states_of(connection: Connection, namespace: str, quest_ids: Collection[str]) -> dict[str, QuestState]:
    """Return where quests stand, by their ids; those that are not there, or another namespace's, are left out.

    Parameters:
      connection: a transaction that reads.
      namespace: the tenant.
      quest_ids: the quests.
    """
    ids = list(quest_ids)
    parts = (ids[start : start + ASKED] for start in range(0, len(ids), ASKED))
    rows = (row for part in parts for row in connection.execute(_STATES, {"ids": part}))
    return {row.quest_id: _state(row) for row in rows if row.namespace == namespace}


def _state(row: Any) -> QuestState:
    return QuestState(
        row.quest_id,
        ExecutionStatus(row.status),
        row.epoch,
        row.version,
        row.position,
        row.attempt,
        row.updated_at,
    )
