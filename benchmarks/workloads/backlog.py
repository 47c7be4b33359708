"""W8: whether a long queue slows the pool down, and what it costs the broker."""

from __future__ import annotations

import time
from functools import partial

from benchmarks.harness.bench import Bench
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import ratios, sample
from benchmarks.harness.store import quests
from benchmarks.harness.verification import verify
from benchmarks.workloads import throughput

FULL, QUICK = 100_000, 200
STEPS = 5
SHORT, LONG = "W1 beside it", "backlog"


def measure(bench: Bench) -> Result:
    """Queue quests while no worker runs, then let a pool drain them."""
    count = bench.sized(FULL, QUICK)
    result = Result("W8", "backlog", f"{count:,} quests of {STEPS} no-op steps queued, then drained")
    size = bench.sized(throughput.FULL, throughput.QUICK)
    contestants = {
        SHORT: partial(_short, bench, *size),
        LONG: partial(_drained, bench, count),
    }
    runs = bench.interleaved("W8", contestants)
    found = {name: [sample(values) for values in zip(*each, strict=True)] for name, each in runs.items()}
    rate, memory, per_bell = found[LONG]
    result.figures += [
        Figure(LONG, "steps/s", rate, throughput.SETUP),
        Figure(SHORT, "steps/s", found[SHORT][0]),
        Figure("broker memory for the queue", "MiB", memory, "Valkey's used_memory, less that of an empty one"),
        Figure("broker memory per queued quest", "bytes", per_bell),
    ]
    result.bars.append(Bar("steps/s ÷ W1's", ratios(rate, found[SHORT][0]), 0.8, "at least"))
    return result


def _short(bench: Bench, count: int, steps: int) -> tuple[float, float, float]:
    return throughput.ours(bench, count, steps), 0.0, 0.0


def _drained(bench: Bench, count: int) -> tuple[float, float, float]:
    store = bench.servers.store("postgres")
    before = bench.servers.broker_info()["used_memory"]
    with store.client() as client:
        ids = [handle.quest_id for handle in client.submit_many(quests(count, STEPS))]
    used = bench.servers.broker_info()["used_memory"] - before
    database = store.database()
    with WorkerPool(store, warm_up=0):
        started = time.perf_counter()
        store.wait_until_done(database, interval=0.1)
        seconds = time.perf_counter() - started
    database.close()
    steps = verify(store, ids, STEPS).steps
    bench.servers.drop(store.database_url)
    return steps / seconds, used / 2**20, used / count
