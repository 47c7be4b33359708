"""W12: whether the pool keeps its pace while another session holds an old snapshot, so that nothing can be tidied.

A backup, a replica's feedback or a forgotten transaction is such a session. What steps leave behind then stays in every
table and index, for as long as it lasts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from statistics import median

import psycopg

from benchmarks.harness.bench import Bench
from benchmarks.harness.pool import WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import ratios, sample
from benchmarks.harness.store import Store, quests
from questline_persistence.recovery import Bells, Sweep
from questline_persistence.store import Database

#: Quests of a round, rounds while the snapshot is held, rounds after that, and steps of a quest.
FULL, QUICK = (4_000, 50, 3), (20, 4, 3)
STEPS = 5
#: How many rounds stand for the end, and how many looks for one figure.
LAST, LOOKS = 3, 20
HELD, FREE = "snapshot held", "nothing held"
LOOKED = ("relay's look", "sweep's look")


@dataclass
class _Series:
    """A store with its pool, and what each round found: steps per second, milliseconds of the two looks."""

    store: Store
    database: Database
    bells: Bells
    sweep: Sweep
    rates: list[float] = field(default_factory=list)
    looks: list[tuple[float, ...]] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Run a round, then look as the loops do."""
        seconds, _ = self.store.timed(quests(count, STEPS))
        self.rates.append(count * STEPS / seconds)
        self.looks.append(tuple(_milliseconds(look) for look in (self.bells.due, self.sweep.run)))


def measure(bench: Bench) -> Result:
    """Run rounds of W1 on two stores in turn, one of which has a session that holds its snapshot."""
    count, rounds, after = bench.sized(FULL, QUICK)
    size = f"{rounds} rounds of {count * STEPS:,} steps while a snapshot is held, {after} rounds after"
    result = Result("W12", "held snapshot", size)
    first = bench.servers.store("postgres")
    second = replace(bench.servers.store("postgres"), broker_url=f"{first.broker_url.rpartition('/')[0]}/1")
    with _series(first) as held, _series(second) as free:
        task = bench.progress.add_task("W12", total=rounds + after)
        with _snapshot(first):
            for _ in range(rounds):
                for series in (held, free):
                    series.run(count)
                bench.progress.advance(task)
        for _ in range(after):
            for series in (held, free):
                series.run(count)
            bench.progress.advance(task)
        bench.progress.remove_task(task)
    _compare(result, held, free, rounds)
    for store in (first, second):
        bench.servers.drop(store.database_url)
    return result


def _compare(result: Result, held: _Series, free: _Series, rounds: int) -> None:
    """Set the last rounds of both series beside each other, and the last looks beside the first."""
    last, after = slice(rounds - LAST, rounds), slice(rounds, None)
    for name, series in ((HELD, held), (FREE, free)):
        result.figures.append(Figure(f"{name}: last rounds", "steps/s", sample(series.rates[last])))
        result.figures.append(Figure(f"{name}: the rounds after", "steps/s", sample(series.rates[after])))
    rates = ratios(sample(held.rates[last]), sample(free.rates[last]))
    result.bars.append(Bar("steps/s of the last rounds ÷ those with nothing held", rates, 0.9, "at least"))
    for number, name in enumerate(LOOKED):
        begun, ended = (sample([looks[number] for looks in held.looks[part]]) for part in (slice(LAST), last))
        result.figures += [
            Figure(f"{name}, first rounds", "ms", begun),
            Figure(f"{name}, last rounds", "ms", ended),
        ]
        result.bars.append(Bar(f"{name} at the end ÷ at the start", ratios(ended, begun), 2.0, "at most"))


@contextmanager
def _series(store: Store) -> Iterator[_Series]:
    database = store.database()
    try:
        with WorkerPool(store):
            yield _Series(store, database, Bells(database, "default"), Sweep(database, "default"))
    finally:
        database.close()


@contextmanager
def _snapshot(store: Store) -> Iterator[None]:
    """Hold a snapshot of the store, as `pg_dump` does."""
    with psycopg.connect(store.database_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("SELECT count(*) FROM tickets")
        yield


def _milliseconds(look: Callable[[], object]) -> float:
    """Return the median time of a look that is taken several times."""
    spans = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        look()
        spans.append(time.perf_counter() - started)
    return median(spans) * 1e3
