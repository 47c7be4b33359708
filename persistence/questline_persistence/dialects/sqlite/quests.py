"""The rows of new quests on SQLite: one statement per table, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from questline_persistence.dialects.columns import BASE_SNAPSHOT, QUEST, STEP, TICKET, listed
from questline_persistence.new_quest import NewQuest

_QUEST = f"""
INSERT INTO quest_executions ({listed(QUEST)})
SELECT ?1, ?2, ?3, 'new', ?14, 0, ?15 - 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13
WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE quest_id = ?1 AND epoch >= ?14)
ON CONFLICT DO NOTHING
"""  # noqa: S608  (of the columns' names)

_STEP = f"""
INSERT INTO quest_steps ({listed(STEP)})
VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, coalesce(?12, ?2), 0)
"""  # noqa: S608  (as above)

_SNAPSHOT = f"""
INSERT INTO quest_snapshots ({listed(BASE_SNAPSHOT)})
VALUES (?1, 0, ?5, ?2, ?3, 'start', ?4)
"""  # noqa: S608  (as above)

_TICKET = f"""
INSERT INTO tickets ({listed(TICKET)})
VALUES (?1, 0, ?2, ?3, ?10, ?4, 'ready', ?11, 0, ?5, ?6, coalesce(?7, ?8), ?9)
"""  # noqa: S608  (as above)


def insert(connection: Connection, batch: Sequence[NewQuest], *, tickets_too: bool = True) -> int:
    """Insert whole quests; return how many were new: those whose id or key is taken, or has a tombstone, are not.

    Nothing but these is inserted if they are fewer than the batch: the caller is to roll back, and try one by one.
    """
    new = connection.exec_driver_sql(_QUEST, [_quest(one) for one in batch]).rowcount
    if new == len(batch):
        connection.exec_driver_sql(
            _STEP, [(one.quest_id, one.queue, one.epoch, *step) for one in batch for step in one.plan.steps]
        )
        snapshots = [(one.quest_id, one.plan.position, one.run_data, one.created_at, one.epoch) for one in batch]
        connection.exec_driver_sql(_SNAPSHOT, snapshots)
        if tickets_too:
            connection.exec_driver_sql(_TICKET, [_ticket(one) for one in batch])
    return new


def _quest(one: NewQuest) -> tuple[str | int | None, ...]:
    return (
        one.quest_id,
        one.namespace,
        one.quest_type,
        one.input_data,
        one.plan.text,
        one.plan.counts,
        one.labels,
        one.queue,
        one.priority,
        one.forked_from,
        one.idempotency_key,
        one.created_at,
        one.schema_version,
        one.epoch,
        one.fence,
    )


def _ticket(one: NewQuest) -> tuple[str | int | float | None, ...]:
    return (
        one.quest_id,
        one.namespace,
        one.plan.position,
        one.plan.handler,
        one.available_at,
        one.ring_at,
        one.plan.queue,
        one.queue,
        one.priority,
        one.epoch,
        one.fence,
    )
