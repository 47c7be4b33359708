"""Where a quest stands, read for many quests at once and without anything that grows with their length."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

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


_VERSION = func.coalesce(tickets.c.version, quests.c.version)
_NEWEST = (snapshots.c.quest_id == quests.c.quest_id) & (snapshots.c.version == _VERSION)
_STATES = (
    select(
        quests.c.quest_id,
        quests.c.status,
        func.coalesce(tickets.c.epoch, quests.c.epoch).label("epoch"),
        _VERSION.label("version"),
        func.coalesce(tickets.c.position, snapshots.c.position).label("position"),
        func.coalesce(tickets.c.attempt, 0).label("attempt"),
        quests.c.updated_at,
    )
    .select_from(quests.outerjoin(tickets, tickets.c.quest_id == quests.c.quest_id).outerjoin(snapshots, _NEWEST))
    .where(quests.c.quest_id.in_(bindparam("ids", expanding=True)), quests.c.namespace == bindparam("namespace"))
)


def states_of(connection: Connection, namespace: str, quest_ids: Collection[str]) -> dict[str, QuestState]:
    """Return where quests stand, by their ids; those that are not there, or another namespace's, are left out.

    Parameters:
      connection: a transaction that reads.
      namespace: the tenant.
      quest_ids: the quests.
    """
    ids = list(quest_ids)
    return {
        row.quest_id: QuestState(**{**row._asdict(), "status": ExecutionStatus(row.status)})
        for start in range(0, len(ids), ASKED)
        for row in connection.execute(_STATES, {"ids": ids[start : start + ASKED], "namespace": namespace})
    }
