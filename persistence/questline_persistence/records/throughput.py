"""How many quests ended over time, how many of these failed, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from questline_persistence.clock import rfc3339
from questline_persistence.dialects import dialect_of
from questline_persistence.schema import quests
from questline_persistence.states import ExecutionStatus
from questline_persistence.store import Database

#: Most quests of one status that are counted in a span, those that ended last.
MAX_ENDED = 50_000
#: So many of those that were completed last tell how long quests take.
MAX_TIMED = 1_000


class Span(StrEnum):
    """How far back is looked.

    Values:
      hour: an hour, by minutes.
      day: a day, by hours.
    """

    HOUR = "hour"
    DAY = "day"

    @property
    def bucket_seconds(self) -> int:
        """How long one of its parts is."""
        return 60 if self is Span.HOUR else 3_600

    @property
    def buckets(self) -> int:
        """How many parts it has; the last one is not over yet."""
        return 60 if self is Span.HOUR else 24

    @property
    def letters(self) -> int:
        """How much of a time in the store, as text, names a part of it: to the minute, or to the hour."""
        return len("2026-11-30T20:41") if self is Span.HOUR else len("2026-11-30T20")


class Bucket(NamedTuple):
    """A part of a span.

    Parameters:
      since: when it began, in epoch seconds.
      completed: how many quests were completed in it.
      failed: how many failed in it.
    """

    since: float
    completed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """What has ended within a span.

    Parameters:
      span: the span.
      buckets: its parts, the oldest first.
      p50_seconds: how long half of the quests took at most that were completed last, or None where none was.
      p95_seconds: how long 95 of 100 took at most.
      capped: whether more ended than were counted; the oldest parts lack some then.
    """

    span: Span
    buckets: tuple[Bucket, ...]
    p50_seconds: float | None
    p95_seconds: float | None
    capped: bool

    @property
    def completed(self) -> int:
        """How many quests were completed."""
        return sum(bucket.completed for bucket in self.buckets)

    @property
    def failed(self) -> int:
        """How many quests failed."""
        return sum(bucket.failed for bucket in self.buckets)

    @property
    def failure_rate(self) -> float | None:
        """How many of a hundred that ended have failed; None where none ended."""
        ended = self.completed + self.failed
        return 100 * self.failed / ended if ended else None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "span": str(self.span),
            "bucket_seconds": self.span.bucket_seconds,
            "completed": self.completed,
            "failed": self.failed,
            "failure_rate": self.failure_rate,
            "p50_duration_seconds": self.p50_seconds,
            "p95_duration_seconds": self.p95_seconds,
            "capped": self.capped,
            "buckets": [{**bucket._asdict(), "since": rfc3339(bucket.since)} for bucket in self.buckets],
        }


def throughput_of(database: Database, namespace: str, span: Span, now: float) -> Throughput:
    """Return what has ended within a span, found by an index of when quests came to a status.

    Parameters:
      database: the store.
      namespace: the tenant.
      span: the span.
      now: where it ends, in epoch seconds.
    """
    size = span.bucket_seconds
    first = now // size * size - (span.buckets - 1) * size

    def work(connection: Connection) -> Throughput:
        dialect_of(connection).plan_by_keys(connection)  # else PostgreSQL may read all that were completed
        completed = _counted(connection, namespace, ExecutionStatus.COMPLETED, first, span)
        failed = _counted(connection, namespace, ExecutionStatus.FAILED, first, span)
        took = _took(connection, namespace, first)
        buckets = []
        for start in (first + number * size for number in range(span.buckets)):
            key = rfc3339(start)[: span.letters]
            buckets.append(Bucket(start, completed.get(key, 0), failed.get(key, 0)))
        capped = MAX_ENDED in {sum(completed.values()), sum(failed.values())}
        return Throughput(span, tuple(buckets), _share(took, 0.5), _share(took, 0.95), capped)

    return database.read(work)


def _ended(what: str, namespace: str, status: ExecutionStatus, first: float, limit: int) -> Select[Any]:
    """Return the query for a column of the quests that came to a status since a time, the last ones first."""
    mine = (quests.c.status == str(status), quests.c.namespace == namespace, quests.c.updated_at >= rfc3339(first))
    last = (quests.c.updated_at.desc(), quests.c.quest_id.desc())
    return select(quests.c[what]).where(*mine).order_by(*last).limit(limit)


def _counted(
    connection: Connection, namespace: str, status: ExecutionStatus, first: float, span: Span
) -> dict[str, int]:
    """Return how many quests came to a status, by the beginning of the time at which they did."""
    ended = _ended("updated_at", namespace, status, first, MAX_ENDED).subquery()
    part = func.substr(ended.c.updated_at, 1, span.letters)
    found = connection.execute(select(part, func.count()).group_by(part))
    return {str(key): int(number) for key, number in found}


def _took(connection: Connection, namespace: str, first: float) -> list[float]:
    found = connection.execute(_ended("duration_seconds", namespace, ExecutionStatus.COMPLETED, first, MAX_TIMED))
    return sorted(seconds for seconds in found.scalars() if seconds is not None)


def _share(ordered: list[float], share: float) -> float | None:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None
