"""A pool of bare Dramatiq workers: what the same broker and threads do without keeping anything."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

from benchmarks.harness.pool import WARM_UP, Command
from benchmarks.harness.servers import Servers
from benchmarks.harness.verification import LostWork
from tests.waiting import eventually

#: As in benchmarks/bare_dramatiq.py, which is not imported here since it opens its broker at once.
DONE, STAMPS = "bench:done", "bench:stamps"
SETUP = "`dramatiq -p 2 -t 8`, RedisBroker, default middleware; keeps nothing"


class BarePool(Command):
    """`dramatiq benchmarks.bare_dramatiq -p N -t M` on an empty broker."""

    def __init__(self, servers: Servers, *, processes: int = 2, threads: int = 8) -> None:
        url = servers.broker_url()
        self._processes = processes
        self._broker = RedisBroker(url=url)  # type: ignore[no-untyped-call]  # Dramatiq's
        self._client = redis.Redis.from_url(url)
        words = [sys.executable, "-m", "dramatiq", "-p", str(processes), "-t", str(threads), "benchmarks.bare_dramatiq"]
        super().__init__(words, servers.folder, BENCH_BROKER_URL=url)

    def __enter__(self) -> Self:
        super().__enter__()
        self.wait_until_logged("Worker process is ready for action", self._processes)
        self.run(WARM_UP, 5)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        super().__exit__(kind, error, tb)
        self._broker.close()
        self._client.close()

    def run(self, chains: int, steps: int, actor: str = "step") -> float:
        """Run chains of steps; return the seconds from the first being enqueued to the last being done."""
        self._client.delete(DONE, STAMPS)
        started = time.perf_counter()
        for number in range(chains):
            self.send(f"chain-{number}", 1, steps, actor=actor)
        eventually(lambda: self.done() >= chains, timeout=600.0, interval=0.01, message="chains are left")
        seconds = time.perf_counter() - started
        if self.done() != chains:
            raise LostWork(f"{self.done()} chains were done instead of {chains}")
        return seconds

    def send(self, *arguments: Any, actor: str = "step") -> None:
        """Enqueue one message."""
        self._broker.enqueue(Message(queue_name="default", actor_name=actor, args=arguments, kwargs={}, options={}))

    def done(self) -> int:
        """Return how many chains are done."""
        found: Any = self._client.get(DONE)
        return int(found or 0)

    def stamps(self) -> list[float]:
        """Return when steps were called, in the order in which they say so."""
        found: Any = self._client.lrange(STAMPS, 0, -1)
        return [float(stamp) for stamp in found]
