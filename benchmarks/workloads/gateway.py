"""W17: the gateway beside the pool, and its pages in a store that is full."""

from __future__ import annotations

from benchmarks.harness.bench import Bench
from benchmarks.harness.result import Result
from benchmarks.workloads import live, pages


def measure(bench: Bench) -> Result:
    """Follow W1 with many readers; ask for every list and for a quest among many."""
    readers, count, steps = bench.sized(live.FULL, live.QUICK)
    sizes = ", ".join(f"{number:,} in {kind}" for kind, number in bench.sized(pages.FULL, pages.QUICK).items())
    size = f"W1 with {count:,} quests of {steps} steps beside {readers} open streams; pages among {sizes}"
    result = Result("W17", "gateway", size)
    live.add(bench, result)
    pages.add(bench, result)
    return result
