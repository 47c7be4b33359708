"""W6: whether a store that holds the history of years is slower than an empty one."""

from __future__ import annotations

from functools import partial

import psycopg

from benchmarks.harness.bench import Bench
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import ratios, sample
from benchmarks.harness.store import Store, quests
from benchmarks.workloads import throughput

#: Finished quests in the old store, and how many are copied by one statement.
FULL, QUICK = (1_000_000, 50_000), (200, 100)
STEPS = 5
#: How many times as many runs as elsewhere: two rates that should be equal differ by the machine's noise.
TIMES = 3
EMPTY, OLD = "empty store", "old store"

#: Copies of one quest's rows under other ids; what the numbers are made of does not matter to an index.
_COPY = """
INSERT INTO {table} ({columns})
SELECT {values} FROM {table} AS t, generate_series({first}, {last}) AS n
WHERE t.quest_id = '{quest_id}'
"""
#: What is not copied as it stands: the new ids, in the order of time as ours are, and what the database gives.
_CHANGED = {
    "quest_id": "regexp_replace(lpad(to_hex(16e11::int8 + n), 12, '0'), '(.{8})', '\\1-') || '-7000-8000-000000000000'",
    "claim_id": "md5(n::text || t.position)",
    "created_at": "to_char(to_timestamp(1.6e9 + n * 60) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
}
_GIVEN = {"run_id", "snapshot_id"}
_TABLES = ("quest_executions", "quest_steps", "lord_runs", "quest_snapshots")


def measure(bench: Bench) -> Result:
    """Run W1 in a store full of finished quests and in an empty one."""
    finished, batch = bench.sized(FULL, QUICK)
    count, steps = bench.sized(throughput.LONG, throughput.QUICK)
    result = Result("W6", "age", f"{count:,} quests of {steps} no-op steps beside {finished:,} finished quests")
    old = _aged(bench, finished, batch)
    contestants = {EMPTY: partial(throughput.ours, bench, count, steps), OLD: partial(_old, bench, old, count, steps)}
    runs = bench.interleaved("W6", contestants, times=bench.sized(TIMES, 1))
    found = {name: sample(values) for name, values in runs.items()}
    result.figures += [Figure(name, "steps/s", found[name], throughput.SETUP) for name in (EMPTY, OLD)]
    result.figures.append(Figure("size of the old store", "GiB", sample([_gigabytes(old)])))
    result.bars.append(Bar("steps/s ÷ the empty store's", ratios(found[OLD], found[EMPTY]), 0.9, "at least"))
    result.notes.append(f"each of the two was run {len(runs[OLD])} times, since they differ by less than the noise")
    bench.servers.drop(old.database_url)
    return result


def _old(bench: Bench, store: Store, count: int, steps: int) -> float:
    bench.servers.broker_url()  # emptied, as for the other one
    return throughput.rate_on(store, count, steps)


def _aged(bench: Bench, finished: int, batch: int) -> Store:
    """Return a store in which so many quests were finished long ago, in the state in which autovacuum leaves it."""
    store = bench.servers.store("postgres")
    with WorkerPool(store, warm_up=0):
        pattern = store.timed(quests(1, STEPS))[1][0]
    task = bench.progress.add_task("W6: filling the old store", total=finished)
    with psycopg.connect(store.database_url, autocommit=True) as connection:
        # The copies are as whole as their pattern; to look up each one's quest would take most of the time.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        for first in range(0, finished, batch):
            for table in _TABLES:
                _copy(connection, table, pattern, first + 1, min(first + batch, finished))
            bench.progress.advance(task, batch)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    bench.progress.remove_task(task)
    return store


def _copy(connection: psycopg.Connection, table: str, quest_id: str, first: int, last: int) -> None:
    found = connection.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", (table,))
    columns = [str(row[0]) for row in found if row[0] not in _GIVEN]
    values = ", ".join(_CHANGED.get(name, f"t.{name}") for name in columns)
    statement = _COPY.format(
        table=table, columns=", ".join(columns), values=values, first=first, last=last, quest_id=quest_id
    )
    connection.execute(statement.encode())


def _gigabytes(store: Store) -> float:
    with psycopg.connect(store.database_url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return float(row[0]) / 2**30 if row else 0.0
