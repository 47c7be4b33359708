"""W10: what it costs to have many steps wait at the same time."""

from __future__ import annotations

import threading
from functools import partial
from types import TracebackType
from typing import Self

from benchmarks.harness.bench import Bench
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import sample
from benchmarks.harness.store import quests
from benchmarks.harness.verification import verify

#: Handlers that sleep at the same time, and for how long, in seconds.
FULL, QUICK = (1_000, 1.0), (20, 0.2)
#: Seconds between two looks at the worker's size.
LOOK_SECONDS = 0.05


def measure(bench: Bench) -> Result:
    """Run as many async handlers at a time as there are quests, in one worker process."""
    count, seconds = bench.sized(FULL, QUICK)
    result = Result("W10", "waiting", f"{count:,} quests of one async step that sleeps {seconds:g} s, one process")
    runs = bench.interleaved("W10", {"questline": partial(_run, bench, count, seconds)})["questline"]
    wall, memory = (sample(values) for values in zip(*runs, strict=True))
    setup = "`questline worker -p 1`: a waiting step holds no thread"
    result.figures += [
        Figure("wall time", "s", wall, setup),
        Figure("memory per waiting step", "KiB", memory, "growth of the worker's resident size ÷ steps"),
    ]
    result.bars.append(Bar("wall time in s", wall, 2.5, "at most"))
    return result


def _run(bench: Bench, count: int, seconds: float) -> tuple[float, float]:
    store = bench.servers.store("postgres")
    batch = quests(count, 1, "nap")
    for quest in batch:
        quest.input_data["seconds"] = seconds
    with WorkerPool(store, processes=1, threads=None) as pool:
        before = max(pool.resident())
        with _Largest(pool) as largest:
            wall, ids = store.timed(batch)
    verify(store, ids, 1)
    bench.servers.drop(store.database_url)
    return wall, (largest.seen - before) / count / 1024


class _Largest:
    """Watches how large the worker gets."""

    def __init__(self, pool: WorkerPool) -> None:
        self.seen = 0
        self._pool = pool
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            self.seen = max(self.seen, *self._pool.resident())
