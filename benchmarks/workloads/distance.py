"""W9: what a distance between the workers and PostgreSQL costs."""

from __future__ import annotations

from functools import partial

from sqlalchemy.engine import make_url

from benchmarks.harness.bench import Bench
from benchmarks.harness.proxy import Proxy, round_trip
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import ratios, sample
from benchmarks.workloads import throughput

#: Seconds added each way.
DELAY = 0.001
NEAR, PROXIED, FAR = "W1 beside it", "through the proxy, nothing added", "through the proxy, 1 ms added each way"


def measure(bench: Bench) -> Result:
    """Run W1 with its workers a millisecond away from PostgreSQL; through the same proxy without that, too."""
    count, steps = bench.sized(throughput.LONG, throughput.QUICK)
    result = Result("W9", "distance", f"{count:,} quests of {steps} no-op steps, 2 processes of 8 threads")
    contestants = {
        NEAR: partial(_near, bench, count, steps),
        PROXIED: partial(_through, bench, count, steps, 0.0),
        FAR: partial(_through, bench, count, steps, DELAY),
    }
    runs = bench.interleaved("W9", contestants)
    rates = {name: sample([rate for rate, _ in each]) for name, each in runs.items()}
    result.figures += [Figure(name, "steps/s", rates[name], throughput.SETUP) for name in contestants]
    for name in (PROXIED, FAR):
        added = sample([trip * 1000 for _, trip in runs[name]])
        result.figures.append(Figure(f"{name}: round trip", "ms more", added, "median of an empty statement"))
    result.bars.append(Bar("steps/s ÷ W1's", ratios(rates[FAR], rates[NEAR]), 0.8, "at least"))
    result.notes.append(
        f"the proxy itself takes processor time from the two cores; against the proxy without distance the ratio is "
        f"{ratios(rates[FAR], rates[PROXIED]).median:.2f}"
    )
    return result


def _near(bench: Bench, count: int, steps: int) -> tuple[float, float]:
    return throughput.ours(bench, count, steps), 0.0


def _through(bench: Bench, count: int, steps: int, seconds: float) -> tuple[float, float]:
    """Return the steps per second through a proxy, and by how many seconds it lengthens a round trip."""
    store = bench.servers.store("postgres")
    with Proxy(bench.servers.postgres.port, seconds, bench.servers.folder) as proxy:
        url = make_url(store.database_url).set(port=proxy.port).render_as_string(hide_password=False)
        added = round_trip(url) - round_trip(store.database_url)
        if added < 2 * seconds:
            raise RuntimeError(f"the proxy adds only {added * 1000:.2f} ms to a round trip")
        rate = throughput.rate_on(store, count, steps, database_url=url)
    bench.servers.drop(store.database_url)
    return rate, added
