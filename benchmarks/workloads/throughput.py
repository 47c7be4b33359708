"""W1: how many steps a pool completes in a second."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.harness import bare
from benchmarks.harness.bare import BarePool
from benchmarks.harness.bench import Bench
from benchmarks.harness.beside import CELERY, POSTGRES_PEERS, add_peers
from benchmarks.harness.effort import processor_seconds, tree
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import Sample, ratios, sample
from benchmarks.harness.store import Store, quests
from benchmarks.harness.verification import verify

FULL, QUICK = (1_000, 5), (20, 5)
#: The same for longer: W1 takes a second, and by itself differs from run to run as much as what it is compared with.
LONG = (3_000, 5)
OURS, BARE = "questline", "bare Dramatiq"
SETUP = "`questline worker -p 2 -t 8`, PostgreSQL and Valkey, default settings"


def measure(bench: Bench) -> Result:
    """Run quests of five no-op steps on two processes of eight threads, beside bare Dramatiq and the peers."""
    count, steps = bench.sized(FULL, QUICK)
    result = Result("W1", "throughput", f"{count:,} quests of {steps} no-op steps, 2 processes of 8 threads")
    contestants = {BARE: partial(_bare, bench, count, steps), OURS: partial(_ours, bench, count, steps)}
    runs = bench.interleaved("W1", contestants)
    rate, *efforts = (sample(values) for values in zip(*runs[OURS], strict=True))
    bare_rate, *bare_efforts = (sample(values) for values in zip(*runs[BARE], strict=True))
    result.figures += [Figure(OURS, "steps/s", rate, SETUP), Figure(BARE, "steps/s", bare_rate, bare.SETUP)]
    result.bars.append(Bar("steps/s ÷ bare Dramatiq's", ratios(rate, bare_rate), 0.6, "at least"))
    best = add_peers(bench, result, POSTGRES_PEERS, (count, steps), others=CELERY)
    if best is not None:
        result.bars.append(Bar("steps/s ÷ the best durable peer's", ratios(rate, best), 3.0, "at least"))
    result.figures += _efforts(OURS, ("workers", "PostgreSQL", "Valkey"), efforts)
    result.figures += _efforts(BARE, ("workers", "Valkey"), bare_efforts)
    return result


def _efforts(name: str, parts: Sequence[str], efforts: Sequence[Sample]) -> list[Figure]:
    return [
        Figure(f"{name}: processor time, {part}", "µs per step", one) for part, one in zip(parts, efforts, strict=True)
    ]


def _ours(bench: Bench, count: int, steps: int) -> tuple[float, ...]:
    """Return the steps per second of our pool, and the microseconds of processor time that each took."""
    store = bench.servers.store("postgres")
    with WorkerPool(store) as pool:
        parts = (pool.processes, tree(bench.servers.postgres.pid), tree(bench.servers.valkey.pid))
        before = [processor_seconds(part) for part in parts]
        seconds, ids = store.timed(quests(count, steps))
        used = [processor_seconds(part) - one for part, one in zip(parts, before, strict=True)]
    done = verify(store, ids, steps).steps
    bench.servers.drop(store.database_url)
    return done / seconds, *(one / done * 1e6 for one in used)


def _bare(bench: Bench, count: int, steps: int) -> tuple[float, ...]:
    """Return the same of bare Dramatiq."""
    done = count * steps
    with BarePool(bench.servers) as pool:
        parts = (pool.processes, tree(bench.servers.valkey.pid))
        before = [processor_seconds(part) for part in parts]
        seconds = pool.run(count, steps)
        used = [processor_seconds(part) - one for part, one in zip(parts, before, strict=True)]
    return done / seconds, *(one / done * 1e6 for one in used)


def ours(bench: Bench, count: int, steps: int, tool: str = "noop") -> float:
    """Return the steps per second of our pool on an empty store, of steps that call `tool`."""
    store = bench.servers.store("postgres")
    rate = rate_on(store, count, steps, tool=tool)
    bench.servers.drop(store.database_url)
    return rate


def rate_on(
    store: Store,
    count: int,
    steps: int,
    *,
    database_url: str | None = None,
    processes: int = 2,
    tool: str = "noop",
) -> float:
    """Return the steps per second of our pool on a store; `database_url` is the way on which it reaches it."""
    with WorkerPool(store, database_url=database_url, processes=processes):
        seconds, ids = store.timed(quests(count, steps, tool))
    return verify(store, ids, steps).steps / seconds
