"""Counts what a stretch of work costs the servers: statements, transactions, and round trips to the broker."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

#: Commands that a client sends; the others are called from within scripts, and cost no trip of their own.
SENT = ("evalsha", "eval", "script", "blpop", "get", "set", "smembers")
#: An idle session of PostgreSQL reports what it did within ten seconds of it.
REPORT_SECONDS = 11.0


@dataclass(frozen=True, slots=True)
class Counts:
    """How often the servers were asked for something."""

    statements: int
    transactions: int
    trips: int

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.statements - other.statements, self.transactions - other.transactions, self.trips - other.trips
        )


def counted(database_url: str, broker_url: str) -> Counts:
    """Return the counts so far, on a PostgreSQL that has pg_stat_statements loaded."""
    time.sleep(REPORT_SECONDS)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        statements = _one(connection, "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE dbid = {here}")
        transactions = _one(connection, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datid = {here}")
    return Counts(statements, transactions, trips(broker_url))


def trips(broker_url: str) -> int:
    """Return how many commands clients have sent to the broker for its doorbells."""
    with redis.Redis.from_url(broker_url) as client:
        stats: Any = client.info("commandstats")
    return sum(int(stats[f"cmdstat_{name}"]["calls"]) for name in SENT if f"cmdstat_{name}" in stats)


def by_statement(database_url: str) -> list[tuple[str, int]]:
    """Return each statement's beginning and how often it was called, the most frequent first."""
    query = """SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 90), calls FROM pg_stat_statements
               WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY calls DESC"""
    with psycopg.connect(database_url) as connection:
        return [(str(text), int(calls)) for text, calls in connection.execute(query)]


def _one(connection: psycopg.Connection, query: str) -> int:
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    row: Any = connection.execute(query.format(here=here).encode()).fetchone()
    return int(row[0])
