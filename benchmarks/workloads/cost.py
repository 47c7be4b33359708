"""W11: how often a step asks the servers for something."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from benchmarks.embedded import embedded
from benchmarks.harness.bench import Bench
from benchmarks.harness.counts import counted
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import Sample, sample
from benchmarks.harness.store import Store, quests
from benchmarks.harness.verification import verify

#: Steps of the single quest, and the quests of the busy pool.
FULL, QUICK = (1_000, 1_000), (100, 40)
STEPS = 5
ALONE, BUSY = "one quest, alone", "W1"
UNITS = ("SQL statements", "SQL transactions", "broker round trips")


def measure(bench: Bench) -> Result:
    """Count at the servers, over one quest that has the system for itself and over W1."""
    single, many = bench.sized(FULL, QUICK)
    result = Result("W11", "cost", f"one quest of {single:,} no-op steps; {many:,} quests of {STEPS} steps")
    contestants = {ALONE: partial(_alone, bench, single), BUSY: partial(_busy, bench, many)}
    for name, runs in bench.interleaved("W11", contestants).items():
        counts = [sample(values) for values in zip(*runs, strict=True)]
        result.figures += [_figure(name, unit, one) for unit, one in zip(UNITS, counts, strict=True)]
        if name == BUSY:
            result.bars.append(Bar("W1: SQL statements per step", counts[0], 1.0, "at most"))
    result.notes.append(
        "what goes by the clock is counted too: loops, heartbeats, and a worker's start; without them a step that is "
        "handed over costs exactly 1 statement, and one that goes through the broker 2 statements and 2 round trips, "
        "which tests/integration/test_cost_per_step.py holds"
    )
    result.notes.append(
        "counted by pg_stat_statements, pg_stat_database and Valkey's commandstats, all processes together"
    )
    return result


def _figure(name: str, unit: str, one: Sample) -> Figure:
    return Figure(f"{name}: {unit}", "per step", one)


def _alone(bench: Bench, steps: int) -> tuple[float, float, float]:
    """Return the cost of one quest's steps, on a worker in this process."""
    return _cost(bench, 1, steps, lambda store: embedded(store.database_url, store.broker_url))


def _busy(bench: Bench, count: int) -> tuple[float, float, float]:
    """Return the cost of W1's steps, with all that a pool does beside them."""
    return _cost(bench, count, STEPS, lambda store: WorkerPool(store, warm_up=0))


def _cost(
    bench: Bench, count: int, steps: int, worker: Callable[[Store], AbstractContextManager[object]]
) -> tuple[float, float, float]:
    """Return what each step of so many quests has asked for; submitting them is not counted, starting a worker is."""
    store = bench.servers.store_on(bench.servers.counting_postgres)
    with store.client() as client:
        ids = [handle.quest_id for handle in client.submit_many(quests(count, steps))]
    before = counted(store.database_url, store.broker_url)
    database = store.database()
    with worker(store):
        store.wait_until_done(database, interval=0.5)
    database.close()
    used = counted(store.database_url, store.broker_url) - before
    done = verify(store, ids, steps).steps
    return used.statements / done, used.transactions / done, used.trips / done
