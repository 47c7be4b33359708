"""Numbers over many quests: how many there are, how long they took, how the Lords fared, and who is waited for.

People and dashboards ask for them again and again, so each look goes through an index and ends after a bounded number
of rows, whatever the store holds. A count that has reached its bound means "so many, or more".
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, Subquery, and_, case, func, literal, select, union_all

from questline_persistence.dialects import dialect_of
from questline_persistence.schema import quests, runs, tickets
from questline_persistence.states import ExecutionStatus, RunStatus

#: Most quests of one status that are counted.
MAX_COUNTED = 100_000
#: The newest quests of a namespace, so many, are those whose durations are looked at.
MAX_TIMED = 5_000
#: The newest attempts of a Lord, so many, are those that tell how it fares; and most Lords that are told of.
MAX_ATTEMPTS, MAX_LORDS = 1_000, 500
#: Where all of them are other namespaces', one's own are looked for in so many of one's newest quests.
MAX_QUESTS = 1_000


def quest_stats(connection: Connection, namespace: str) -> dict[str, Any]:
    """Return how many quests there are of each status, up to `MAX_COUNTED`, and how long the newest took in seconds."""
    dialect_of(connection).plan_by_keys(connection)  # else PostgreSQL may read every quest, where one status has many
    counted = connection.execute(union_all(*(_counted(namespace, status) for status in ExecutionStatus)))
    counts = {row[0]: row[1] for row in counted}
    newest = (
        select(quests.c.duration_seconds.label("seconds"))
        .where(quests.c.namespace == namespace)
        .order_by(quests.c.created_at.desc(), quests.c.quest_id.desc())
        .limit(MAX_TIMED)
        .subquery()
    )
    seconds = newest.c.seconds
    spans = connection.execute(select(func.avg(seconds), func.max(seconds), func.min(seconds)))
    average, longest, shortest = spans.one()
    return {
        "total_quests": sum(counts.values()),
        **{status.value: counts[status.value] for status in ExecutionStatus},
        "avg_duration_seconds": average,
        "max_duration_seconds": longest,
        "min_duration_seconds": shortest,
    }


def _counted(namespace: str, status: ExecutionStatus) -> Select[str, int]:
    """Return the query for how many quests of a status there are, none beyond `MAX_COUNTED` looked at."""
    found = (
        select(literal(1).label("one"))
        .where(quests.c.namespace == namespace, quests.c.status == status)
        .limit(MAX_COUNTED)
        .subquery()
    )
    return select(literal(status.value), func.count(found.c.one))


def lord_stats(connection: Connection, namespace: str, lord_name: str | None) -> list[dict[str, Any]]:
    """Return, per Lord and tool, how its newest attempts went; `success_rate` is in percent, durations in seconds.

    The rate is that of attempts which succeeded or failed by themselves; one that was cancelled, or whose worker was
    lost, says nothing of its Lord. It is None where there are no others.
    Of a Lord, `MAX_ATTEMPTS` attempts are looked at, those of all its tools together. Where all of them are other
    namespaces', those of one's own `MAX_QUESTS` newest quests are.
    """
    dialect_of(connection).plan_by_keys(connection)  # as above
    if lord_name is not None:
        return _fared(connection, namespace, lord_name, recent=True)
    own = _of_newest_quests(select(runs.c.lord_name), namespace).distinct().limit(MAX_LORDS)
    recent = {*connection.execute(own).scalars()}
    names = sorted({*_lords(connection), *recent})
    return [row for name in names for row in _fared(connection, namespace, name, recent=name in recent)]


def _lords(connection: Connection) -> list[str]:
    """Return the names of Lords that were ever tried in any namespace, found by one look into the index each."""
    names: list[str] = []
    while len(names) < MAX_LORDS:
        query = select(func.min(runs.c.lord_name)).where(runs.c.lord_name > (names[-1] if names else ""))
        name = connection.execute(query).scalar()
        if name is None:
            break
        names.append(name)
    return names


def _of_newest_quests(query: Select[*tuple[Any, ...]], namespace: str) -> Select[*tuple[Any, ...]]:
    """Return a query for attempts, for those alone of a namespace's newest quests."""
    newest = (
        select(quests.c.quest_id)
        .where(quests.c.namespace == namespace)
        .order_by(quests.c.created_at.desc(), quests.c.quest_id.desc())
        .limit(MAX_QUESTS)
        .subquery()
    )
    return query.join(newest, newest.c.quest_id == runs.c.quest_id)


def _newest_attempts(connection: Connection, namespace: str, lord_name: str, *, recent: bool) -> Subquery | None:
    """Return a namespace's attempts among the newest of one Lord, or else those of its newest quests, if there are any.

    Parameters:
      recent: whether the Lord is known to have been tried in its newest quests, or may have been.
    """
    columns = (runs.c.tool_name, runs.c.status, runs.c.lost, runs.c.duration_seconds.label("seconds"))
    found = select(*columns).where(runs.c.lord_name == lord_name).order_by(runs.c.created_at.desc()).limit(MAX_ATTEMPTS)
    whose = select(quests.c.namespace).where(quests.c.quest_id == runs.c.quest_id).scalar_subquery()
    newest = found.add_columns(func.coalesce(runs.c.namespace, whose).label("namespace")).subquery()
    mine = select(newest).where(newest.c.namespace == namespace)
    if connection.execute(mine.limit(1)).first() is not None:
        return mine.subquery()
    return _of_newest_quests(found, namespace).subquery() if recent else None


def _fared(connection: Connection, namespace: str, lord_name: str, *, recent: bool) -> list[dict[str, Any]]:
    """Return how the newest attempts of one Lord went, per tool."""
    newest = _newest_attempts(connection, namespace, lord_name, recent=recent)
    if newest is None:
        return []
    succeeded = func.sum(case((newest.c.status == RunStatus.SUCCESS, 1), else_=0))
    failed = func.sum(case((and_(newest.c.status == RunStatus.ERROR, newest.c.lost.is_(None)), 1), else_=0))
    query = (
        select(
            literal(lord_name).label("lord_name"),
            newest.c.tool_name,
            func.count().label("total_runs"),
            succeeded.label("successful"),
            failed.label("errors"),
            (100.0 * succeeded / func.nullif(succeeded + failed, 0)).label("success_rate"),
            func.avg(newest.c.seconds).label("avg_duration_seconds"),
            func.max(newest.c.seconds).label("max_duration_seconds"),
            func.min(newest.c.seconds).label("min_duration_seconds"),
        )
        .group_by(newest.c.tool_name)
        .order_by(newest.c.tool_name)
    )
    rows = connection.execute(query).mappings()
    return [{**row, "success_rate": _float(row["success_rate"])} for row in rows]


def _float(number: Any) -> float | None:
    return None if number is None else float(number)


def live_handlers(connection: Connection, namespace: str) -> dict[str, int]:
    """Return which Lords ("lord:tool") live quests need next, and how many quests wait for each.

    This alone reads every ticket: `questline doctor` must not miss a Lord that no worker knows.
    """
    query = select(tickets.c.handler, func.count()).where(tickets.c.namespace == namespace)
    return {row[0]: row[1] for row in connection.execute(query.group_by(tickets.c.handler))}
