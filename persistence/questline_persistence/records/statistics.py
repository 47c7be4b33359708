"""Numbers over many quests: how many there are, how long they took, and how the Lords fared.

People and dashboards ask for them again and again, so each look goes through an index and ends after a bounded number
of rows, whatever the store holds. A count that has reached its bound means "so many, or more".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, func, literal, null, select, union_all

from questline_persistence.arguments import sought
from questline_persistence.dialects import dialect_of
from questline_persistence.records.listing import newest_quests
from questline_persistence.schema import quests, runs
from questline_persistence.states import ExecutionStatus, RunStatus
from questline_persistence.store import Database

#: Most quests of one status that are counted.
MAX_COUNTED = 100_000
#: The newest quests of a namespace, so many, are those whose durations are looked at.
MAX_TIMED = 5_000
#: The newest attempts of a Lord, so many, are those that tell how it fares; and most Lords that are told of.
MAX_ATTEMPTS, MAX_LORDS = 1_000, 500
#: Most namespaces that are told of.
MAX_NAMESPACES = 500
#: Where all of them are other namespaces', one's own are looked for in so many of one's newest quests.
MAX_QUESTS = 1_000


@dataclass(frozen=True, slots=True)
class QuestStatistics:
    """How many quests there are of each status, and how long the newest took.

    Parameters:
      counts: how many of each status.
      avg_duration_seconds: how long the newest took on average; None where none has ended.
      max_duration_seconds: how long the longest of these took.
      min_duration_seconds: how long the shortest of these took.
      counted_to: where counting ended.
    """

    counts: Mapping[ExecutionStatus, int]
    avg_duration_seconds: float | None
    max_duration_seconds: float | None
    min_duration_seconds: float | None
    counted_to: int = MAX_COUNTED

    @property
    def total_quests(self) -> int:
        """How many quests were counted in all."""
        return sum(self.counts.values())

    @property
    def capped(self) -> frozenset[ExecutionStatus]:
        """The statuses of which there may be more quests than were counted."""
        return frozenset(status for status, number in self.counts.items() if number >= self.counted_to)

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as JSON, each status a key of its own."""
        return {
            "total_quests": self.total_quests,
            **{status.value: number for status, number in self.counts.items()},
            "avg_duration_seconds": self.avg_duration_seconds,
            "max_duration_seconds": self.max_duration_seconds,
            "min_duration_seconds": self.min_duration_seconds,
        }


@dataclass(frozen=True, slots=True)
class LordStatistics:
    """How the newest attempts of one Lord went, with one of its tools.

    Parameters:
      lord_name: the Lord.
      tool_name: the tool.
      total_runs: how many attempts were looked at.
      successful: how many succeeded.
      errors: how many failed by themselves: neither cancelled nor with a worker that was lost.
      success_rate: how many succeeded of those that succeeded or failed, in percent; None where none did.
      avg_duration_seconds: how long the attempts took on average; None where none has ended.
      max_duration_seconds: how long the longest took.
      min_duration_seconds: how long the shortest took.
    """

    lord_name: str
    tool_name: str
    total_runs: int
    successful: int
    errors: int
    success_rate: float | None
    avg_duration_seconds: float | None
    max_duration_seconds: float | None
    min_duration_seconds: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LordDurations:
    """How long the newest attempts of one Lord took, with one of its tools.

    Parameters:
      lord_name: the Lord.
      tool_name: the tool.
      code_version: the version of its code that was tried; None where nobody has said, and for all versions together.
      runs: how many attempts were looked at.
      p50_seconds: half of them took no longer.
      p95_seconds: 95 % of them took no longer.
    """

    lord_name: str
    tool_name: str
    code_version: str | None
    runs: int
    p50_seconds: float
    p95_seconds: float


class Statistics:
    """Counts and measures the quests and Lords of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def quests(self, *, count_to: int | None = None, timed: int | None = None) -> QuestStatistics:
        """Return how many quests there are of each status, and how long the newest took.

        Parameters:
          count_to: where counting the quests of one status ends; at `MAX_COUNTED`, if not given.
          timed: how many of the newest quests tell how long quests take; `MAX_TIMED`, if not given.
        """
        count_to, timed = count_to or MAX_COUNTED, timed or MAX_TIMED
        return self.database.read(partial(_quests, namespace=self.namespace, count_to=count_to, timed=timed))

    def lords(self, lord_name: str | None = None) -> list[LordStatistics]:
        """Return, per Lord and tool, how its newest attempts went.

        Of a Lord, `MAX_ATTEMPTS` attempts are looked at, those of all its tools together. Where all of them are other
        namespaces', those of one's own `MAX_QUESTS` newest quests are.

        Parameters:
          lord_name: only this Lord; None means all, at most `MAX_LORDS`.

        Raises:
          PayloadError: it is no text.
        """
        name = sought(lord_name, "lord_name")
        return self.database.read(partial(_lords, namespace=self.namespace, lord_name=name))

    def durations(self, lord_name: str, *, by_version: bool = False) -> list[LordDurations]:
        """Return, per tool of a Lord, how long its newest attempts took: `MAX_ATTEMPTS` are looked at, as by `lords`.

        Parameters:
          lord_name: the Lord.
          by_version: whether the versions of its code are told apart.

        Raises:
          PayloadError: it is no text.
        """
        name = sought(lord_name, "lord_name") or ""
        return self.database.read(partial(_took, namespace=self.namespace, lord_name=name, by_version=by_version))


def namespaces_of(database: Database) -> list[str]:
    """Return the names of the namespaces that have quests, found by one look into an index each.

    Parameters:
      database: the store.
    """

    def work(connection: Connection) -> list[str]:
        names: list[str] = []
        while len(names) < MAX_NAMESPACES:
            query = select(func.min(quests.c.namespace)).where(quests.c.namespace > (names[-1] if names else ""))
            name = connection.execute(query).scalar()
            if name is None:
                break
            names.append(name)
        return names

    return database.read(work)


def _quests(connection: Connection, *, namespace: str, count_to: int, timed: int) -> QuestStatistics:
    dialect_of(connection).plan_by_keys(connection)  # else PostgreSQL may read every quest, where one status has many
    counted = connection.execute(union_all(*(_counted(namespace, status, count_to) for status in ExecutionStatus)))
    counts = {row[0]: row[1] for row in counted}
    newest = newest_quests(quests.c.duration_seconds.label("seconds"), namespace, limit=timed).subquery()
    seconds = newest.c.seconds
    spans = connection.execute(select(func.avg(seconds), func.max(seconds), func.min(seconds)))
    average, longest, shortest = spans.one()
    by_status = {status: counts[status] for status in ExecutionStatus}
    return QuestStatistics(by_status, average, longest, shortest, count_to)


def _counted(namespace: str, status: ExecutionStatus, count_to: int) -> Select[str, int]:
    """Return the query for how many quests of a status there are, none beyond so many looked at."""
    found = (
        select(literal(1).label("one"))
        .where(quests.c.namespace == namespace, quests.c.status == status)
        .limit(count_to)
        .subquery()
    )
    return select(literal(status.value), func.count(found.c.one))


def _lords(connection: Connection, *, namespace: str, lord_name: str | None) -> list[LordStatistics]:
    dialect_of(connection).plan_by_keys(connection)  # as above
    if lord_name is not None:
        return _fared(connection, namespace, lord_name, recent=True)
    own = _of_newest_quests(select(runs.c.lord_name), namespace).distinct().limit(MAX_LORDS)
    recent = {*connection.execute(own).scalars()}
    names = sorted({*_names_of_lords(connection), *recent})
    return [row for name in names for row in _fared(connection, namespace, name, recent=name in recent)]


def _names_of_lords(connection: Connection) -> list[str]:
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
    newest = newest_quests(quests.c.quest_id, namespace, limit=MAX_QUESTS).subquery()
    return query.join(newest, newest.c.quest_id == runs.c.quest_id)


def _newest_attempts(connection: Connection, namespace: str, lord_name: str, *, recent: bool) -> Subquery | None:
    """Return a namespace's attempts among the newest of one Lord, or else those of its newest quests, if there are any.

    Parameters:
      recent: whether the Lord is known to have been tried in its newest quests, or may have been.
    """
    seconds = runs.c.duration_seconds.label("seconds")
    columns = (runs.c.tool_name, runs.c.code_version, runs.c.status, runs.c.lost, seconds)
    found = select(*columns).where(runs.c.lord_name == lord_name).order_by(runs.c.created_at.desc()).limit(MAX_ATTEMPTS)
    whose = select(quests.c.namespace).where(quests.c.quest_id == runs.c.quest_id).scalar_subquery()
    newest = found.add_columns(func.coalesce(runs.c.namespace, whose).label("namespace")).subquery()
    mine = select(newest).where(newest.c.namespace == namespace)
    if connection.execute(mine.limit(1)).first() is not None:
        return mine.subquery()
    return _of_newest_quests(found, namespace).subquery() if recent else None


def _fared(connection: Connection, namespace: str, lord_name: str, *, recent: bool) -> list[LordStatistics]:
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
    return [LordStatistics(**{**row, "success_rate": _float(row["success_rate"])}) for row in rows]


def _took(connection: Connection, *, namespace: str, lord_name: str, by_version: bool) -> list[LordDurations]:
    """Return how long the newest attempts of one Lord took, per tool, or per tool and version of the code."""
    dialect_of(connection).plan_by_keys(connection)  # as above
    newest = _newest_attempts(connection, namespace, lord_name, recent=True)
    if newest is None:
        return []
    version = newest.c.code_version if by_version else null()
    ended = select(newest.c.tool_name, version.label("version"), newest.c.seconds)
    ended_ones = ended.where(newest.c.seconds.is_not(None)).subquery()
    same = [ended_ones.c.tool_name, ended_ones.c.version]
    placed = select(
        ended_ones,
        func.row_number().over(partition_by=same, order_by=ended_ones.c.seconds).label("place"),
        func.count().over(partition_by=same).label("number"),
    ).subquery()

    def within(percent: int) -> ColumnElement[float]:
        first = (placed.c.number * percent + 99) // 100
        return func.min(case((placed.c.place >= first, placed.c.seconds)))

    keys = [placed.c.tool_name, placed.c.version]
    numbers = func.count().label("runs"), within(50).label("p50"), within(95).label("p95")
    newest_first = placed.c.version.desc().nulls_last()
    query = select(*keys, *numbers).group_by(*keys).order_by(placed.c.tool_name, newest_first)
    rows = connection.execute(query)
    return [LordDurations(lord_name, row.tool_name, row.version, row.runs, row.p50, row.p95) for row in rows]


def _float(number: Any) -> float | None:
    return None if number is None else float(number)
