"""Numbers over many quests: how many there are, how long they took, how the Lords fared, and who is waited for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, case, func, select

from questline_persistence.states import ExecutionStatus, RunStatus
from questline_persistence.tables import quests, runs, tickets


def quest_stats(connection: Connection, namespace: str) -> dict[str, Any]:
    """Return how many quests there are of each status, and how long the ended ones took in seconds."""
    durations = quests.c.duration_seconds
    query = (
        select(
            quests.c.status,
            func.count(),
            func.sum(durations),
            func.count(durations),
            func.max(durations),
            func.min(durations),
        )
        .where(quests.c.namespace == namespace)
        .group_by(quests.c.status)
    )
    rows = list(connection.execute(query))
    counts = {row[0]: row[1] for row in rows}
    timed = [row for row in rows if row[3]]
    number = sum(row[3] for row in timed)
    return {
        "total_quests": sum(counts.values()),
        **{status.value: counts.get(status.value, 0) for status in ExecutionStatus},
        "avg_duration_seconds": sum(row[2] for row in timed) / number if number else None,
        "max_duration_seconds": max((row[4] for row in timed), default=None),
        "min_duration_seconds": min((row[5] for row in timed), default=None),
    }


def lord_stats(connection: Connection, namespace: str, lord_name: str | None) -> list[dict[str, Any]]:
    """Return, per Lord and tool, how its attempts went; `success_rate` is in percent, durations in seconds."""
    succeeded = func.sum(case((runs.c.status == RunStatus.SUCCESS, 1), else_=0))
    failed = func.sum(case((runs.c.status == RunStatus.ERROR, 1), else_=0))
    durations = runs.c.duration_seconds
    query = (
        select(
            runs.c.lord_name,
            runs.c.tool_name,
            func.count().label("total_runs"),
            succeeded.label("successful"),
            failed.label("errors"),
            (100.0 * succeeded / func.count()).label("success_rate"),
            func.avg(durations).label("avg_duration_seconds"),
            func.max(durations).label("max_duration_seconds"),
            func.min(durations).label("min_duration_seconds"),
        )
        .join(quests, quests.c.quest_id == runs.c.quest_id)
        .where(quests.c.namespace == namespace)
        .group_by(runs.c.lord_name, runs.c.tool_name)
        .order_by(runs.c.lord_name, runs.c.tool_name)
    )
    if lord_name is not None:
        query = query.where(runs.c.lord_name == lord_name)
    rows = connection.execute(query).mappings()
    return [{**row, "success_rate": float(row["success_rate"])} for row in rows]


def live_handlers(connection: Connection, namespace: str) -> dict[str, int]:
    """Return which Lords ("lord:tool") live quests need next, and how many quests wait for each."""
    query = select(tickets.c.handler, func.count()).where(tickets.c.namespace == namespace)
    return {row[0]: row[1] for row in connection.execute(query.group_by(tickets.c.handler))}
