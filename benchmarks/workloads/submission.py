"""W4: how fast a producer gets rid of its quests."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, TextClause, text

from benchmarks.harness.bench import Bench
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.servers import StoreKind
from benchmarks.harness.statistics import percentile, sample
from benchmarks.harness.store import Store, quests
from benchmarks.harness.verification import LostWork

#: Quests submitted one by one, and batches of how many.
FULL, QUICK = (500, 10, 1_000), (20, 2, 50)
STEPS = 5
SETUPS: dict[StoreKind, str] = {
    "postgres": "PostgreSQL and Valkey, one client, one thread",
    "sqlite": "SQLite file, memory broker, one client, one thread",
}


def measure(bench: Bench) -> Result:
    """Submit quests of five steps while no worker runs, one by one and in batches."""
    singles, batches, size = bench.sized(FULL, QUICK)
    result = Result(
        "W4", "submit", f"{singles} quests one by one, then {batches} batches of {size:,}; {STEPS} steps each"
    )
    contestants: dict[StoreKind, Callable[[], tuple[float, float, float]]] = {
        kind: partial(_run, bench, kind, singles, batches, size) for kind in SETUPS
    }
    for kind, runs in bench.interleaved("W4", contestants).items():
        p50, p99, rate = (sample(values) for values in zip(*runs, strict=True))
        setup = SETUPS[kind]
        result.figures += [
            Figure(f"{kind}: single, p50", "ms", p50, setup),
            Figure(f"{kind}: single, p99", "ms", p99),
            Figure(f"{kind}: batch", "quests/s", rate),
        ]
        if kind == "postgres":
            result.bars += [
                Bar("single, p50 in ms", p50, 2.0, "at most"),
                Bar(f"batches of {size:,}, quests/s", rate, 10_000, "at least"),
            ]
    return result


def _run(bench: Bench, kind: StoreKind, singles: int, batches: int, size: int) -> tuple[float, float, float]:
    store = bench.servers.store(kind)
    with store.client() as client:
        client.submit_many(quests(10, STEPS))
        waits = []
        for quest in quests(singles, STEPS):
            started = time.perf_counter()
            client.submit(quest)
            waits.append((time.perf_counter() - started) * 1000)
        prepared = [quests(size, STEPS) for _ in range(batches)]
        started = time.perf_counter()
        for batch in prepared:
            client.submit_many(batch)
        rate = batches * size / (time.perf_counter() - started)
    _verify(store, 10 + singles + batches * size)
    bench.servers.drop(store.database_url)
    return percentile(waits, 0.5), percentile(waits, 0.99), rate


def _verify(store: Store, count: int) -> None:
    """Check that every quest is there with its plan, its first snapshot and its ticket."""
    wanted = {"quest_executions": 1, "quest_steps": STEPS, "quest_snapshots": 1, "tickets": 1}
    database = store.database()
    try:
        for table, each in wanted.items():
            query = text(f"SELECT count(*) FROM {table}")
            found = database.read(partial(_one, query=query))
            if found != count * each:
                raise LostWork(f"{found:,} rows in {table} instead of {count * each:,}")
    finally:
        database.close()


def _one(connection: Connection, query: TextClause) -> int:
    number: int = connection.execute(query).scalar_one()
    return number
