"""W6: whether a store that holds the history of years is slower than an empty one."""

from __future__ import annotations

from functools import partial

import psycopg

from benchmarks.harness.bench import Bench
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import ratios, sample
from benchmarks.harness.store import Store
from benchmarks.workloads import throughput
from benchmarks.workloads.copies import aged

#: Finished quests in the old store, and how many are copied by one statement.
FULL, QUICK = (1_000_000, 50_000), (200, 100)
#: How many times as many runs as elsewhere: two rates that should be equal differ by the machine's noise.
TIMES = 3
EMPTY, OLD = "empty store", "old store"


def measure(bench: Bench) -> Result:
    """Run W1 in a store full of finished quests and in an empty one."""
    finished, batch = bench.sized(FULL, QUICK)
    count, steps = bench.sized(throughput.LONG, throughput.QUICK)
    result = Result("W6", "age", f"{count:,} quests of {steps} no-op steps beside {finished:,} finished quests")
    old = aged(bench, "postgres", finished, batch)
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


def _gigabytes(store: Store) -> float:
    with psycopg.connect(store.database_url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return float(row[0]) / 2**30 if row else 0.0
