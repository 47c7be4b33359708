"""W2: how long an idle system takes from one step of a quest to the next."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

from benchmarks.harness import bare
from benchmarks.harness.bare import BarePool
from benchmarks.harness.bench import Bench
from benchmarks.harness.beside import CELERY, POSTGRES_PEERS, SQLITE_PEERS, add_peers
from benchmarks.harness.pool import ROOT, WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import ratios, sample
from benchmarks.harness.store import Store, quests
from benchmarks.harness.verification import verify
from benchmarks.workloads.embedded import SETUP as EMBEDDED_SETUP
from benchmarks.workloads.throughput import BARE, OURS, SETUP

FULL, QUICK = 200, 20
IN_PROCESS = "questline, SQLite in process"


def measure(bench: Bench) -> Result:
    """Run one quest of many steps where nothing else runs."""
    steps = bench.sized(FULL, QUICK)
    result = Result("W2", "hand-over", f"one quest of {steps} no-op steps, from the first step's start to the last's")
    contestants = {
        BARE: partial(_bare, bench, steps),
        OURS: partial(_ours, bench, steps),
        IN_PROCESS: partial(_in_process, bench, steps),
    }
    found = {name: sample(values) for name, values in bench.interleaved("W2", contestants).items()}
    setups = {BARE: bare.SETUP, OURS: SETUP, IN_PROCESS: EMBEDDED_SETUP}
    result.figures += [Figure(name, "ms per step", found[name], setups[name]) for name in (OURS, IN_PROCESS, BARE)]
    result.bars += [
        Bar("ms per step ÷ bare Dramatiq's", ratios(found[OURS], found[BARE]), 0.5, "at most"),
        Bar("ms per step on SQLite in process", found[IN_PROCESS], 0.4, "at most"),
    ]
    add_peers(bench, result, (*POSTGRES_PEERS, *SQLITE_PEERS), (1, steps), others=CELERY, handover=True)
    return result


def _ours(bench: Bench, steps: int) -> float:
    store = bench.servers.store("postgres")
    with WorkerPool(store):
        ids = store.timed(quests(1, steps), interval=0.1)[1]
    verify(store, ids, steps)
    per_step = period(store, ids[0], 0, steps - 1)
    bench.servers.drop(store.database_url)
    return per_step * 1000


def _in_process(bench: Bench, steps: int) -> float:
    store = bench.servers.store("sqlite")
    words = [sys.executable, "-m", "benchmarks.embedded", store.database_url, "1", str(steps)]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    ids: list[str] = json.loads(done.stdout)["quest_ids"]
    verify(store, ids, steps)
    return period(store, ids[0], 0, steps - 1) * 1000


def period(store: Store, quest_id: str, first: int, last: int) -> float:
    """Return the mean seconds from one step's start to the next one's, from step `first` to step `last`, from 0."""
    with store.client() as client:
        starts = sorted(run.start_time for run in client.runs(quest_id))
    return (starts[last] - starts[first]) / (last - first)


def _bare(bench: Bench, steps: int) -> float:
    with BarePool(bench.servers) as pool:
        pool.run(1, steps, actor="stamped_step")
        first, last = pool.stamps()
    return (last - first) / (steps - 1) * 1000
