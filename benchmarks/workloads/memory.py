"""MEMORY: whether a worker grows with the steps it has run."""

from __future__ import annotations

from functools import partial

from benchmarks.harness.bench import Bench
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import ratios, sample
from benchmarks.harness.store import quests
from benchmarks.harness.verification import verify

#: Quests after which the worker's size is taken: once and again, of five steps each.
FULL, QUICK = (2_000, 20_000), (20, 40)
STEPS = 5


def measure(bench: Bench) -> Result:
    """Run many quests in one worker process and look at its resident size."""
    early, late = bench.sized(FULL, QUICK)
    result = Result("MEMORY", "memory of a worker", f"{early * STEPS:,} and {late * STEPS:,} no-op steps, one process")
    runs = bench.interleaved("MEMORY", {"questline": partial(_run, bench, early, late)})["questline"]
    before, first, second = (sample(values) for values in zip(*runs, strict=True))
    setup = "`questline worker -p 1 -t 8`, PostgreSQL and Valkey, default settings"
    result.figures += [
        Figure("resident size after the warm-up", "MiB", before, setup),
        Figure(f"resident size after {early * STEPS:,} steps", "MiB", first),
        Figure(f"resident size after {late * STEPS:,} steps", "MiB", second),
    ]
    result.bars.append(Bar("resident size, late ÷ early", ratios(second, first), 1.1, "at most"))
    return result


def _run(bench: Bench, early: int, late: int) -> tuple[float, float, float]:
    store = bench.servers.store("postgres")
    sizes, ids = [], []
    with WorkerPool(store, processes=1) as pool:
        sizes.append(max(pool.resident()))
        for count in (early, late - early):
            ids += store.timed(quests(count, STEPS), interval=0.1)[1]
            sizes.append(max(pool.resident()))
    verify(store, ids, STEPS)
    bench.servers.drop(store.database_url)
    before, first, second = (size / 2**20 for size in sizes)
    return before, first, second
