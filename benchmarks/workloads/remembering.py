"""W14: how long it takes to keep and to find what Lords remember, among few rows and among many."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from benchmarks.harness.appenders import appended
from benchmarks.harness.bench import Bench
from benchmarks.harness.filling import fill
from benchmarks.harness.memory_calls import MemoryCalls, limits
from benchmarks.harness.memory_things import write_patterns
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.servers import StoreKind
from benchmarks.harness.statistics import Sample, ratios, sample
from benchmarks.harness.store import Store
from benchmarks.harness.verification import verify_remembered
from benchmarks.workloads import embedded, throughput

#: Rows of each kind, in few and in many; and calls of each kind that are timed.
FULL, QUICK = (100, 1_000_000, 200), (100, 1_000, 5)
#: Processes that append to one session, and how many events each.
APPENDERS, APPENDED = 8, (1_000, 10)
KINDS: tuple[StoreKind, ...] = ("sqlite", "postgres")
SETUP = "one client, one call at a time, default settings"
PLAIN, SAVING = "plain steps", "steps that save a key each"

#: By the name of a call: its median and its 95th percentile, in milliseconds.
Times = Mapping[str, tuple[float, float]]


def measure(bench: Bench) -> Result:
    """Time the calls on four stores, have processes append to one session, and have steps save."""
    few, many, times = bench.sized(FULL, QUICK)
    title = f"{few:,} and {many:,} rows of each kind, SQLite and PostgreSQL, {times} calls of each kind"
    result = Result("W14", "what Lords remember", title)
    _add_calls(bench, result, (few, many), times)
    _add_appending(bench, result)
    _add_steps(bench, result)
    return result


def _add_calls(bench: Bench, result: Result, sizes: tuple[int, int], times: int) -> None:
    stores = {f"{kind}, {count:,} rows": (_filled(bench, kind, count), count) for kind in KINDS for count in sizes}
    contestants = {name: partial(_timed, *of, times) for name, of in stores.items()}
    runs = bench.interleaved("W14", contestants)
    for call, limit in limits().items():
        for name, found in runs.items():
            setup = "" if result.figures else SETUP
            half = sample([each[call][0] for each in found])
            result.figures.append(Figure(f"{call}: {name}, p50", "ms", half, setup))
        late = [[each[call][1] for each in found] for found in runs.values()]
        worst = sample([max(values) for values in zip(*late, strict=True)])
        result.bars.append(Bar(f"{call}, p95 in ms, the slowest of the four", worst, limit, "at most"))
    for store, _ in stores.values():
        verify_remembered(store)
        bench.servers.drop(store.database_url)


def _filled(bench: Bench, kind: StoreKind, count: int) -> Store:
    store = bench.servers.store(kind)
    asyncio.run(write_patterns(store.database_url))
    fill(store, count, bench.progress)
    return store


def _timed(store: Store, count: int, times: int) -> Times:
    async def run() -> Times:
        async with MemoryCalls(store.database_url, count) as calls:
            return {name: await call.timed(times) for name, call in calls.all().items()}

    return asyncio.run(run())


def _add_appending(bench: Bench, result: Result) -> None:
    each = bench.sized(*APPENDED)
    contestants = {kind: partial(_appending, bench, kind, each) for kind in KINDS}
    for kind, rates in bench.interleaved("W14", contestants).items():
        rate = sample(rates)
        name = f"{APPENDERS} processes append to one session: {kind}"
        result.figures.append(Figure(name, "events/s", rate, f"{each:,} events each, one after the other"))
        result.bars.append(Bar(f"{kind}: {APPENDERS} processes on one session, events/s", rate, 2_000, "at least"))


def _appending(bench: Bench, kind: StoreKind, each: int) -> float:
    store = bench.servers.store(kind)
    rate = appended(store, APPENDERS, each)
    bench.servers.drop(store.database_url)
    return rate


def _add_steps(bench: Bench, result: Result) -> None:
    sizes = {
        "postgres": bench.sized(throughput.FULL, throughput.QUICK),
        "sqlite": bench.sized(embedded.FULL, embedded.QUICK),
    }
    setups = {"postgres": throughput.SETUP, "sqlite": embedded.SETUP}
    works = {"postgres": throughput.ours, "sqlite": embedded.in_process}
    contestants = {
        f"{what}: {kind}": partial(works[kind], bench, *sizes[kind], tool)
        for kind in works
        for what, tool in ((PLAIN, "noop"), (SAVING, "remember"))
    }
    found: dict[str, Sample] = {name: sample(rates) for name, rates in bench.interleaved("W14", contestants).items()}
    for kind, least in (("postgres", 0.25), ("sqlite", 0.5)):
        plain, saving = found[f"{PLAIN}: {kind}"], found[f"{SAVING}: {kind}"]
        result.figures += [
            Figure(f"{PLAIN}: {kind}", "steps/s", plain, setups[kind]),
            Figure(f"{SAVING}: {kind}", "steps/s", saving, "a key per quest"),
        ]
        result.bars.append(
            Bar(f"{kind}: steps/s that save a key ÷ plain ones", ratios(saving, plain), least, "at least")
        )
