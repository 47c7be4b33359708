"""W15: calls that run once in a step, recorded one by one; beside a peer whose steps are as much."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

from benchmarks.harness.bench import Bench
from benchmarks.harness.beside import Peer, add_peers
from benchmarks.harness.pool import ROOT
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.servers import StoreKind
from benchmarks.harness.statistics import ratios, sample
from benchmarks.lords import CALLS

KINDS: tuple[StoreKind, ...] = ("sqlite", "postgres")
#: By what is said of them: the tools whose steps make the calls.
TOOLS = {"one after the other": "calls", "all at a time, async": "gathered"}
SETUP = "one step in one process, default settings; SQLite with synchronous=FULL"


def measure(bench: Bench) -> Result:
    """Have one step make its calls; a peer runs as many steps in one chain. W1 tells what a step costs without any."""
    result = Result("W15", "calls that run once", f"one step of {CALLS:,} no-op calls of `ctx.once`")
    contestants = {f"{what}, {kind}": partial(_rate, bench, kind, TOOLS[what]) for kind in KINDS for what in TOOLS}
    found = {name: sample(rates) for name, rates in bench.interleaved("W15", contestants).items()}
    result.figures += [Figure(name, "calls/s", rate, SETUP) for name, rate in found.items()]
    for kind in KINDS:
        best = add_peers(bench, result, [Peer(f"DBOS, {kind}", "dbos_chain", kind)], (1, CALLS))
        if best is None:
            break
        ours = found[f"one after the other, {kind}"]
        result.bars.append(Bar(f"{kind}: calls/s ÷ DBOS's steps/s", ratios(ours, best), 1.0, "at least"))
    return result


def _rate(bench: Bench, kind: StoreKind, tool: str) -> float:
    """Return how many calls a second a step makes, by its own watch."""
    store = bench.servers.store(kind)
    words = [sys.executable, "-m", "benchmarks.embedded", store.database_url, "1", "1", tool]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    with store.client() as client:
        quest = client.get(json.loads(done.stdout)["quest_ids"][0])
        (run,) = client.runs(quest.quest_id)
    if len(run.calls) != CALLS:
        raise SystemExit(f"{len(run.calls)} calls are recorded instead of {CALLS}")
    bench.servers.drop(store.database_url)
    return CALLS / float(quest.output_data["seconds"])
