"""Fills a store with quests that ended long ago: copies of one that ran, each of its rows under another id."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from benchmarks.embedded import embedded, run
from benchmarks.harness.bench import Bench
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.servers import StoreKind
from benchmarks.harness.store import Store, quests
from questline_persistence.dialects import parse_url

#: Steps of the quest that is copied, and of its copies.
STEPS = 5

_TABLES = ("quest_executions", "quest_steps", "lord_runs", "quest_snapshots")
_COPY = """INSERT INTO {table} ({columns})
WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
SELECT {values} FROM {table} AS t, numbers WHERE t.quest_id = '{quest_id}' ORDER BY n"""
#: What is not copied as it stands: the new ids, in the order of time as ours are, and what the database gives.
_CHANGED = {
    "postgresql": {
        "quest_id": "regexp_replace(lpad(to_hex(1600000000000 + n), 12, '0'), '(.{8})', '\\1-')"
        " || '-7000-8000-000000000000'",
        "created_at": "to_char(to_timestamp(1.6e9 + n * 60) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    },
    "sqlite": {
        "quest_id": "printf('%08x-%04x-7000-8000-000000000000', "
        "(1600000000000 + n) >> 16, (1600000000000 + n) & 65535)",
        "created_at": "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1600000000 + n * 60, 'unixepoch')",
    },
}
_CLAIM = {"claim_id": "CAST(n AS text) || '-' || t.position"}
_GIVEN = {"run_id", "snapshot_id"}
#: What a connection leaves out while it fills a store: copies are as whole as their pattern, and nobody misses them.
_HURRY = {
    "postgresql": ("SET session_replication_role = replica", "SET synchronous_commit = off"),
    "sqlite": ("PRAGMA synchronous = OFF", "PRAGMA cache_size = -200000"),
}
#: The state in which a store of that age is: autovacuum has been there, SQLite's log is in its file.
_SETTLED = {"postgresql": ("VACUUM ANALYZE", "CHECKPOINT"), "sqlite": ("PRAGMA wal_checkpoint(TRUNCATE)",)}


def aged(bench: Bench, kind: StoreKind, finished: int, batch: int, changed: Mapping[str, str] | None = None) -> Store:
    """Return a store in which so many quests were finished long ago.

    Parameters:
      bench: gives the store, and is told how far it is.
      kind: the database.
      finished: how many quests.
      batch: how many of them one statement makes.
      changed: what columns of a quest are in a copy, as SQL of its number `n`, where they are not as in the pattern.
    """
    store = bench.servers.store(kind)
    pattern = _pattern(store, kind)
    task = bench.progress.add_task(f"filling a store, {kind}", total=finished)
    engine = create_engine(parse_url(store.database_url), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        _say(connection, _HURRY)
        for first in range(0, finished, batch):
            for table in _TABLES:
                own = changed or {} if table == "quest_executions" else {}
                _copy(connection, table, pattern, range(first + 1, min(first + batch, finished) + 1), own)
            bench.progress.advance(task, batch)
    with engine.connect() as connection:
        _say(connection, _SETTLED)
    bench.progress.remove_task(task)
    return store


def _pattern(store: Store, kind: StoreKind) -> str:
    """Run the quest that is copied; return its id."""
    if kind == "sqlite":
        with embedded(store.database_url) as client:
            return run(client, 1, STEPS)[1][0]
    with WorkerPool(store, warm_up=0):
        return store.timed(quests(1, STEPS))[1][0]


def _say(connection: Connection, statements: Mapping[str, tuple[str, ...]]) -> None:
    for statement in statements[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def _copy(connection: Connection, table: str, quest_id: str, numbers: range, changed: Mapping[str, str]) -> None:
    known = _CHANGED[connection.dialect.name] | _CLAIM | dict(changed)
    known["updated_at"] = known["created_at"]
    columns = [one["name"] for one in inspect(connection).get_columns(table) if one["name"] not in _GIVEN]
    statement = _COPY.format(
        table=table,
        columns=", ".join(columns),
        values=", ".join(known.get(name, f"t.{name}") for name in columns),
        first=numbers[0],
        last=numbers[-1],
        quest_id=quest_id,
    )
    connection.execute(text(statement.replace(":", "\\:")))
