"""W17, the streams: what 200 readers of live events cost the pool, and how soon each of them is told."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.harness.bench import Bench
from benchmarks.harness.effort import processor_seconds
from benchmarks.harness.pool import Command, WorkerPool
from benchmarks.harness.result import Bar, Figure, Result
from benchmarks.harness.statistics import percentile, ratios, sample
from benchmarks.harness.store import Store, quests
from benchmarks.harness.verification import verify
from benchmarks.workloads.throughput import ours
from tests.waiting import eventually

#: Readers of the namespace's stream, quests that run meanwhile, and the steps of each.
FULL, QUICK = (200, 1_000, 5), (3, 20, 5)
READ, UNREAD = "beside readers", "alone"
#: Longest that a reader waits for anything, in seconds.
PATIENCE = 60
SETUP = "`questline gateway`, one process, on the same machine; each reader follows the whole namespace"


@dataclass(slots=True)
class _Reader:
    """A connection of its own that takes in what it is told."""

    address: str
    #: When it was told of the end of which quest.
    ends: dict[str, float] = field(default_factory=dict)
    ready: bool = False

    def run(self) -> None:
        """Read until the stream ends."""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        connection.request("GET", "/api/v1/events")
        with closing(connection), suppress(OSError, http.client.HTTPException):  # the gateway is gone
            for line in connection.getresponse():
                self._take(line)

    def _take(self, line: bytes) -> None:
        if line.startswith(b"event: ready"):
            self.ready = True
        elif line.startswith(b"data: ") and b'"completed"' in line:
            self.ends[json.loads(line[len(b"data: ") :])["quest_id"]] = time.time()


def add(bench: Bench, result: Result) -> None:
    """Run W1 while many readers follow the namespace through one gateway, and without them; add what that took.

    Parameters:
      bench: gives the stores.
      result: what the figures are added to.
    """
    readers, count, steps = bench.sized(FULL, QUICK)
    contestants = {
        READ: partial(_read, bench, readers, count, steps),
        UNREAD: partial(_alone, bench, count, steps),
    }
    runs = bench.interleaved("W17", contestants)
    rate, p50, p99, effort = (sample(values) for values in zip(*runs[READ], strict=True))
    alone = sample([values[0] for values in runs[UNREAD]])
    result.figures += [
        Figure(f"{READ}, steps", "steps/s", rate, SETUP),
        Figure(f"{UNREAD}, steps", "steps/s", alone),
        Figure("from a quest's end to a reader, p50", "ms", p50),
        Figure("from a quest's end to a reader, p99", "ms", p99),
        Figure("processor time of the gateway", "µs per step", effort),
    ]
    result.bars += [
        Bar("steps/s beside readers ÷ alone", ratios(rate, alone), 0.95, "at least"),
        Bar("from a quest's end to a reader, p99 in ms", p99, 2_000.0, "at most"),
    ]


def _alone(bench: Bench, count: int, steps: int) -> tuple[float]:
    return (ours(bench, count, steps),)


def _read(bench: Bench, readers: int, count: int, steps: int) -> tuple[float, float, float, float]:
    """Return the pool's steps per second, how late readers were told (p50, p99), and what the gateway spent."""
    store = bench.servers.store("postgres")
    with WorkerPool(store), gateway(store) as (server, address), _reading(address, readers) as found:
        before = processor_seconds(server.processes)
        seconds, ids = store.timed(quests(count, steps))
        eventually(lambda: all(len(one.ends) == count for one in found), timeout=PATIENCE, message="readers lack ends")
        spent = processor_seconds(server.processes) - before
    done = verify(store, ids, steps).steps
    lags = _lags(store, ids, found)
    bench.servers.drop(store.database_url)
    return done / seconds, percentile(lags, 0.5), percentile(lags, 0.99), spent / done * 1e6


def _lags(store: Store, ids: list[str], found: list[_Reader]) -> list[float]:
    """Return after how many milliseconds each reader was told of each quest's end."""
    with store.client() as client:
        ended = {quest_id: client.get(quest_id).end_time or 0.0 for quest_id in ids}
    return [(at - ended[quest_id]) * 1e3 for one in found for quest_id, at in one.ends.items()]


@contextmanager
def gateway(store: Store) -> Iterator[tuple[Command, str]]:
    """Run `questline gateway` on a store; yield it, and its address.

    Parameters:
      store: the store.
    """
    variables = {
        "QUESTLINE_DATABASE_URL": store.database_url,
        "QUESTLINE_BROKER_URL": store.broker_url,
        "QUESTLINE_HTTP_PORT": "0",
        "QUESTLINE_HTTP_RATE_LIMIT": "0",
        "QUESTLINE_LOG_FORMAT": "json",
    }
    program = str(Path(sys.executable).parent / "questline")
    with Command([program, "gateway"], store.folder, **variables) as running:
        running.wait_until_logged("questline gateway at")
        yield running, running.log.read_text().partition("http://")[2].partition("/")[0]


@contextmanager
def _reading(address: str, count: int) -> Iterator[list[_Reader]]:
    """Open so many streams; yield their readers once all are ready. They end with the gateway."""
    readers = [_Reader(address) for _ in range(count)]
    for reader in readers:
        threading.Thread(target=reader.run, daemon=True).start()
    eventually(lambda: all(reader.ready for reader in readers), timeout=PATIENCE, message="streams do not open")
    yield readers
