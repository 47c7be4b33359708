"""W3: whether a step of a long quest costs as much at its end as at its beginning."""

from __future__ import annotations

from functools import partial

from sqlalchemy import text

from benchmarks.harness.bench import Bench
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import Sample, ratios, sample
from benchmarks.harness.store import Store, quests
from benchmarks.harness.verification import verify
from benchmarks.workloads.handover import period
from benchmarks.workloads.throughput import SETUP

#: Steps of the quest, and how many of its first and last ones are compared.
FULL, QUICK = (5_000, 500), (60, 20)
_BYTES = """
SELECT (SELECT coalesce(sum(pg_column_size(r.*)), 0) FROM lord_runs r
        WHERE quest_id = :quest_id AND version BETWEEN :first AND :last)
     + (SELECT coalesce(sum(pg_column_size(s.*)), 0) FROM quest_snapshots s
        WHERE quest_id = :quest_id AND version BETWEEN :first AND :last)
"""


def measure(bench: Bench) -> Result:
    """Run one quest of thousands of steps, each with a kilobyte of output."""
    steps, part = bench.sized(FULL, QUICK)
    result = Result("W3", "length", f"one quest of {steps:,} steps of 1 kB output; the first and the last {part}")
    runs = bench.interleaved("W3", {"questline": partial(_run, bench, steps, part)})["questline"]
    early, late, early_bytes, late_bytes = (sample(values) for values in zip(*runs, strict=True))
    result.figures += [
        *_pair("time", "ms per step", part, early, late),
        *_pair("stored", "bytes per step", part, early_bytes, late_bytes),
    ]
    result.bars += [
        Bar("time per step, last ÷ first", ratios(late, early), 1.2, "at most"),
        Bar("bytes per step, last ÷ first", ratios(late_bytes, early_bytes), 1.2, "at most"),
    ]
    return result


def _pair(what: str, unit: str, part: int, early: Sample, late: Sample) -> list[Figure]:
    return [Figure(f"{what}, first {part}", unit, early, SETUP), Figure(f"{what}, last {part}", unit, late)]


def _run(bench: Bench, steps: int, part: int) -> tuple[float, float, float, float]:
    store = bench.servers.store("postgres")
    with WorkerPool(store):
        ids = store.timed(quests(1, steps, "kilobyte"), interval=0.1)[1]
    verify(store, ids, steps)
    times = period(store, ids[0], 0, part) * 1000, period(store, ids[0], steps - part, steps - 1) * 1000
    stored = _stored(store, ids[0], 1, part) / part, _stored(store, ids[0], steps - part + 1, steps) / part
    bench.servers.drop(store.database_url)
    return *times, *stored


def _stored(store: Store, quest_id: str, first: int, last: int) -> float:
    """Return the bytes of the runs and snapshots that these versions left."""
    database = store.database()
    values = {"quest_id": quest_id, "first": first, "last": last}
    try:
        return float(database.read(lambda connection: connection.execute(text(_BYTES), values).scalar_one()))
    finally:
        database.close()
