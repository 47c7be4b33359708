"""W5: how long a quest waits for an idle pool to start it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from benchmarks.harness import bare
from benchmarks.harness.bare import BarePool
from benchmarks.harness.bench import Bench
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import percentile, sample
from benchmarks.harness.store import quests
from benchmarks.harness.verification import verify
from benchmarks.workloads.throughput import BARE, OURS, SETUP
from tests.waiting import eventually

T = TypeVar("T")

FULL, QUICK = 200, 10
#: Bounds of the pause between two submissions, in seconds: long enough to be idle, never in step with a poll.
PAUSES = (0.05, 0.25)


def measure(bench: Bench) -> Result:
    """Submit single steps to an idle pool, at random moments."""
    count = bench.sized(FULL, QUICK)
    result = Result(
        "W5", "wake", f"{count} quests of one step, {PAUSES[0]:g} to {PAUSES[1]:g} s apart, from submit to handler"
    )
    contestants = {BARE: partial(_bare, bench, count), OURS: partial(_ours, bench, count)}
    for name, runs in reversed(bench.interleaved("W5", contestants).items()):
        p50, p99 = (sample([percentile(waits, share) * 1000 for waits in runs]) for share in (0.5, 0.99))
        setup = SETUP if name == OURS else bare.SETUP
        result.figures += [Figure(f"{name}, p50", "ms", p50, setup), Figure(f"{name}, p99", "ms", p99)]
        if name == OURS:
            result.bars += [Bar("p50 in ms", p50, 5.0, "at most"), Bar("p99 in ms", p99, 25.0, "at most")]
    return result


def _ours(bench: Bench, count: int) -> list[float]:
    store = bench.servers.store("postgres")
    with WorkerPool(store), store.client() as client:
        batch = iter(quests(count, 1, "stamp"))
        submitted: dict[str, float] = {}
        for sent, handle in _sent(count, lambda: client.submit(next(batch))):
            submitted[handle.quest_id] = sent
        database = store.database()
        store.wait_until_done(database)
        database.close()
        verify(store, list(submitted), 1)
        waits = [client.get(quest_id).output_data - sent for quest_id, sent in submitted.items()]
    bench.servers.drop(store.database_url)
    return waits


def _sent(count: int, send: Callable[[], T]) -> list[tuple[float, T]]:
    """Send so many, with pauses between; return when each was sent, and what came back."""
    found = []
    for _ in range(count):
        time.sleep(random.uniform(*PAUSES))  # noqa: S311  (not a secret)
        found.append((time.time(), send()))
    return found


def _bare(bench: Bench, count: int) -> list[float]:
    with BarePool(bench.servers) as pool:
        pool.run(1, 1, actor="stamped_step")
        sent = [moment for moment, _ in _sent(count, lambda: pool.send("chain", 1, 1, actor="stamped_step"))]
        eventually(lambda: pool.done() > count, timeout=60.0, message="steps are left")
        stamps = sorted(pool.stamps())[-count:]
    return [stamp - moment for stamp, moment in zip(stamps, sent, strict=True)]
