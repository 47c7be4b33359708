"""The broker in Redis or Valkey: idle workers wake at once, and a bell rung thrice is queued once.

Of Dramatiq's own Redis broker nothing is used: its queue multiplies what is rung again, its maintenance gives
messages back after minutes, and its consumers sleep. Redis Cluster is not supported: a script's keys must be together.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import redis
from dramatiq.errors import QueueJoinTimeout
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from questline_persistence.claims import Doorbell
from questline_persistence.errors import StoreUnavailable
from questline_scheduler.doorbell_broker import IDLE_MILLIS, DoorbellBroker, bell_id
from questline_scheduler.redis_consumer import BROKER_ERRORS, RedisConsumer
from questline_scheduler.redis_queue import RedisQueue, names_key

#: Seconds until a reply, or a connection, counts as lost.
REPLY_TIMEOUT, CONNECT_TIMEOUT = 5.0, 3.0
#: Most connections of a process: each queue that it listens to keeps one, in which it waits for a bell.
MAX_CONNECTIONS = 10_000
#: What the generation key says: every ready ticket was rung, or is yet to be.
_TOLD, _UNTOLD = b"told", b"untold"


class RingingRedisBroker(DoorbellBroker):
    """Carries the doorbells of one namespace.

    Parameters:
      url: `redis://`, `rediss://` or `unix://`.
      namespace: the tenant; brokers of different ones share no key.

    Raises:
      ValueError: the URL is malformed.
    """

    def __init__(self, url: str, *, namespace: str) -> None:
        super().__init__()
        self.broker_id = uuid.uuid4().hex
        self.namespace = f"questline:{namespace}"
        self.client = redis.Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),  # a reply that got lost would ring, or fetch, twice
            retry_on_error=[],
            socket_timeout=REPLY_TIMEOUT,
            socket_connect_timeout=CONNECT_TIMEOUT,
            health_check_interval=0,
            max_connections=MAX_CONNECTIONS,
            protocol=2,  # spares HELLO and the maintenance notices that only one vendor sends
        )
        self._generation = f"{self.namespace}:generation"
        self._queues: dict[str, RedisQueue] = {}

    def ring(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Queue the bells that are neither queued nor held by a worker; there is room for all.

        Raises:
          StoreUnavailable: Redis cannot be reached, or is out of memory; some bells may have been rung.
        """
        by_queue: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for bell in bells:
            by_queue[bell.queue].append((bell_id(bell), bell.priority))
        with self._reaching():
            for name, group in by_queue.items():
                self._queue(name).ring(group)
        return []

    def room(self) -> None:
        """Return None: what waits in Redis is bounded by the number of ready tickets."""
        return

    def recollects(self) -> bool:
        """Tell whether the generation key is there, and says that every ready ticket was rung.

        Raises:
          StoreUnavailable: Redis cannot be reached.
        """
        with self._reaching():
            told = self.client.get(self._generation) == _TOLD
            if not told:
                self.client.set(self._generation, _UNTOLD, nx=True)
        return told

    def remember(self) -> None:
        """Write into the generation key that every ready ticket was rung, if it was not lost in the meantime.

        Raises:
          StoreUnavailable: Redis cannot be reached.
        """
        with self._reaching():
            self.client.set(self._generation, _TOLD, xx=True)

    def requeue_dead(self, worker_ids: Sequence[str]) -> int:
        """Put what dead workers hold back into its place in the queues; return how many messages that were.

        Raises:
          StoreUnavailable: Redis cannot be reached.
        """
        with self._reaching():
            return sum(self._queue(name).reclaim(worker) for name in self._known_queues() for worker in worker_ids)

    def ping(self) -> None:
        """Check that Redis answers.

        Raises:
          StoreUnavailable: it does not.
        """
        with self._reaching():
            self.client.ping()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = IDLE_MILLIS) -> RedisConsumer:
        """Return a consumer that holds at most `prefetch` messages and waits `timeout` milliseconds for one."""
        consumer = RedisConsumer(
            self._queue(queue_name),
            queue_name,
            lambda: self.broker_id,
            prefetch=prefetch,
            timeout=timeout / 1000,
            free_threads=self.free_threads,
            on_drop=self.count_dropped,
        )
        self.free_threads.share(queue_name, consumer, prefetch)
        return consumer

    def flush(self, queue_name: str) -> None:
        """Drop all messages of a queue.

        Raises:
          StoreUnavailable: Redis cannot be reached.
        """
        with self._reaching():
            self._queue(queue_name).clear()

    def flush_all(self) -> None:
        """Drop all messages of the namespace.

        Raises:
          StoreUnavailable: Redis cannot be reached.
        """
        with self._reaching():
            for name in self._known_queues():
                self._queue(name).clear()

    def join(self, queue_name: str, *, interval: int = 50, timeout: int | None = None) -> None:
        """Wait until a queue is empty and all its messages are done, looking every `interval` milliseconds.

        Raises:
          QueueJoinTimeout: it took longer than `timeout` milliseconds.
          StoreUnavailable: Redis cannot be reached.
        """
        deadline = None if timeout is None else time.monotonic() + timeout / 1000
        with self._reaching():
            while self._queue(queue_name).size():
                if deadline is not None and time.monotonic() >= deadline:
                    raise QueueJoinTimeout(queue_name)  # type: ignore[no-untyped-call]
                time.sleep(interval / 1000)

    def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        self.client.close()
        self.client.connection_pool.disconnect()

    def _queue(self, name: str) -> RedisQueue:
        if name not in self._queues:
            self._queues[name] = RedisQueue(self.client, self.namespace, name)
        return self._queues[name]

    def _known_queues(self) -> set[str]:
        """Return the queues declared here and those that anyone rang in."""
        rung = cast("set[bytes]", self.client.smembers(names_key(self.namespace)))
        return self.get_declared_queues() | {name.decode() for name in rung}

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Tell the caller which broker failed, and what to do, without its password."""
        try:
            yield
        except BROKER_ERRORS as error:
            raise StoreUnavailable(f"the broker at {self._address()} failed: {error}", hint=_hint(error)) from error

    def _address(self) -> str:
        options = self.client.connection_pool.connection_kwargs
        return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


def _hint(error: Exception) -> str:
    if "maxmemory" in str(error):
        return "raise its maxmemory, or give the doorbells a server of their own"
    if isinstance(error, AuthenticationError | NoPermissionError):
        return "check user and password in QUESTLINE_BROKER_URL"
    return "start it, or check QUESTLINE_BROKER_URL; quests are kept in SQL and go on when it is back"
