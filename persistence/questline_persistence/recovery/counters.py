"""Counts of recovered failures, which should be rare, kept in SQL so that they outlive every process."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

from sqlalchemy import Connection, select, text

from questline_persistence.errors import StoreUnavailable
from questline_persistence.schema import counts
from questline_persistence.store import Database


class Counter(StrEnum):
    """What is counted; `questline stats` shows it by these names."""

    #: Worker processes that died, or whose lease ran out.
    WORKERS_LOST = "workers_lost"
    #: Steps taken from lost workers, or from attempts that timed out.
    CLAIMS_FREED = "claims_freed"
    #: Results that came too late and were dropped.
    RESULTS_FENCED = "results_fenced"
    #: Bells rung by the relay for steps that nobody had picked up.
    REDISPATCHED = "redispatched"


_ADD = text("""
INSERT INTO counts (namespace, name, number) VALUES (:namespace, :name, :number)
ON CONFLICT (namespace, name) DO UPDATE SET number = counts.number + excluded.number
""")


class Counters:
    """The counters of one namespace.

    Nothing on a step's way writes them: the loops and the heartbeat do, after what they count was committed.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def add(self, counter: Counter, number: int) -> None:
        """Add to a counter; a count that the store cannot take at once is dropped, since nothing may wait for it.

        It is never a part of the transaction that it tells of: a process stopped in the midst of that would hold
        the counter's row, and with it every other process that counts the same.

        Parameters:
          counter: which one.
          number: how much to add; nothing is written for 0.
        """
        if not number:
            return
        values = {"namespace": self.namespace, "name": counter.value, "number": number}

        def work(connection: Connection) -> None:
            self.database.dialect.wait_briefly(connection)  # for the row, which somebody else may have locked
            connection.execute(_ADD, values)

        with suppress(StoreUnavailable):
            self.database.write(work, at="count", tries=1)

    def totals(self) -> dict[str, int]:
        """Return every counter by its name, those that nobody has counted yet as 0."""
        query = select(counts.c.name, counts.c.number).where(counts.c.namespace == self.namespace)
        found = self.database.read(lambda connection: {row[0]: row[1] for row in connection.execute(query)})
        return {counter.value: found.get(counter.value, 0) for counter in Counter}
