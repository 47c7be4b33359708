"""W7: questline inside one process, on an SQLite file, without any server."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

from benchmarks.harness.bench import Bench
from benchmarks.harness.beside import SQLITE_PEERS, add_peers
from benchmarks.harness.pool import ROOT
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import ratios, sample
from benchmarks.harness.verification import verify
from benchmarks.workloads.throughput import rate_on

FULL, QUICK = (1_000, 5), (20, 5)
IN_PROCESS, WORKER = "questline in process", "questline worker"
SETUP = "one process, 8 threads, SQLite with synchronous=FULL, memory broker, default settings"


def measure(bench: Bench) -> Result:
    """Run the quests of W1 on SQLite: in the process that submits them, and in a worker process beside it."""
    count, steps = bench.sized(FULL, QUICK)
    result = Result("W7", "embedded", f"{count:,} quests of {steps} no-op steps on SQLite")
    contestants = {
        IN_PROCESS: partial(in_process, bench, count, steps),
        WORKER: partial(_worker, bench, count, steps),
    }
    found = {name: sample(values) for name, values in bench.interleaved("W7", contestants).items()}
    result.figures += [
        Figure(IN_PROCESS, "steps/s", found[IN_PROCESS], SETUP),
        Figure(WORKER, "steps/s", found[WORKER], "`questline worker -p 1 -t 8`, another process submits"),
    ]
    best = add_peers(bench, result, SQLITE_PEERS, (count, steps))
    if best is not None:
        result.bars.append(Bar("steps/s ÷ the best SQLite peer's", ratios(found[IN_PROCESS], best), 5.0, "at least"))
    return result


def in_process(bench: Bench, count: int, steps: int, tool: str = "noop") -> float:
    """Return the steps per second of a process that submits quests to itself, of steps that call `tool`."""
    store = bench.servers.store("sqlite")
    words = [sys.executable, "-m", "benchmarks.embedded", store.database_url, str(count), str(steps), tool]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    return verify(store, said["quest_ids"], steps).steps / float(said["seconds"])


def _worker(bench: Bench, count: int, steps: int) -> float:
    return rate_on(bench.servers.store("sqlite"), count, steps, processes=1)
