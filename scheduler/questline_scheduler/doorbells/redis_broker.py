"""The broker in Redis or Valkey: idle workers wake at once, and a bell rung thrice is queued once.

Of Dramatiq's own Redis broker nothing is used: its queue multiplies what is rung again, its maintenance gives
messages back after minutes, and its consumers sleep.
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

from questline_persistence.claims import Doorbell
from questline_scheduler.doorbells.bell_message import bell_id
from questline_scheduler.doorbells.doorbell_broker import IDLE_MILLIS, DoorbellBroker
from questline_scheduler.doorbells.redis_consumer import RedisConsumer
from questline_scheduler.doorbells.redis_errors import BROKER_ERRORS, unavailable
from questline_scheduler.doorbells.redis_link import RedisLink
from questline_scheduler.doorbells.redis_queue import NO_ID, RedisQueue, keys_of, moves_key, names_key, prefix_of
from questline_scheduler.doorbells.redis_watch import RedisWatch

#: How long the keys of an earlier version are kept, in seconds: longer than any upgrade from worker to worker.
EARLIER_SECONDS = 86_400
#: How long a rehearsal's own key is kept, in milliseconds, and how long it waits for its token, in seconds.
REHEARSAL_MILLIS, LISTEN_SECONDS = 1_000, 0.1
#: What the generation key says: every ready ticket was rung, or is yet to be.
_TOLD, _UNTOLD = b"told", b"untold"


class RingingRedisBroker(DoorbellBroker):
    """Carries the doorbells of one namespace.

    Parameters:
      url: of a server, a cluster or sentinels, as `RedisLink` takes it.
      namespace: the tenant; brokers of different ones share no key.

    Raises:
      ValueError: the URL is malformed.
    """

    def __init__(self, url: str, *, namespace: str) -> None:
        super().__init__()
        self._namespace = namespace
        self._prefix = prefix_of(namespace)
        self._link = RedisLink(url)
        self._generation = f"{self._prefix}:generation"
        self._queues: dict[str, RedisQueue] = {}

    @property
    def in_process(self) -> bool:
        """False: it is a server, which the workers of all machines hear."""
        return False

    @property
    def in_cluster(self) -> bool:
        """Whether the server belongs to a cluster."""
        return self._link.in_cluster

    @property
    def server(self) -> redis.Redis:
        """A client of the server that keeps the bells of this namespace.

        Raises:
          StoreUnavailable: Redis cannot be reached.
        """
        with self._reaching():
            return self._link.server_of(self._generation)

    @property
    def client(self) -> redis.Redis:
        """The Redis client, connected when it is first used."""
        return self._link.client

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

    def wanted(self, limit: int) -> int:
        """Return `limit`: what waits in Redis is bounded by the number of ready tickets."""
        return limit

    def missing(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Return those of the bells that are neither queued nor held.

        Raises:
          StoreUnavailable: Redis cannot be reached.
        """
        by_queue: defaultdict[str, list[Doorbell]] = defaultdict(list)
        for bell in bells:
            by_queue[bell.queue].append(bell)
        with self._reaching():
            found = {
                (name, lost)
                for name, group in by_queue.items()
                for lost in self._queue(name).missing([bell_id(bell) for bell in group])
            }
        return [bell for bell in bells if (bell.queue, bell_id(bell)) in found]

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
            self._expire_earlier_keys()

    def requeue_dead(self, worker_ids: Sequence[str]) -> int:
        """Put what dead workers hold back into its place in the queues; return how many messages that were.

        Raises:
          StoreUnavailable: Redis cannot be reached.
        """
        with self._reaching():
            return sum(self._queue(name).reclaim(worker) for name in self._known_queues() for worker in worker_ids)

    def rehearse(self) -> None:
        """Do once all that workers do, in a queue that is gone afterwards.

        Raises:
          StoreUnavailable: Redis cannot be reached, or does not do something of it.
        """
        name = f"rehearsal.{uuid.uuid4().hex}"
        queue, bell = RedisQueue(self._link, self._prefix, name), "rehearsal:0:0001:0"
        self.probe()
        with self._reaching():
            self.client.get(self._generation)
            try:
                queue.ring([(bell, 0)])
                queue.missing([bell])
                queue.pass_on(NO_ID)
                queue.listen(LISTEN_SECONDS)
                queue.fetch(name, 1)
                queue.reclaim(name)
                queue.size()
            finally:
                queue.remove()

    def probe(self) -> None:
        """Check that Redis takes bells now.

        Raises:
          StoreUnavailable: Redis cannot be reached, or is out of memory or read-only.
        """
        with self._reaching():
            self.client.set(f"{self._prefix}:probe", _UNTOLD, px=REHEARSAL_MILLIS)

    def ping(self) -> None:
        """Check that Redis answers.

        Raises:
          StoreUnavailable: it does not.
        """
        with self._reaching():
            self.client.ping()

    def watch(self) -> RedisWatch:
        """Return what hears that something moves in the namespace; it connects when it is first asked."""
        return RedisWatch(self._link, moves_key(self._prefix))

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = IDLE_MILLIS) -> RedisConsumer:
        """Return a consumer that holds at most `prefetch` messages and waits `timeout` milliseconds for one."""
        consumer = RedisConsumer(
            self._queue(queue_name),
            queue_name,
            lambda: self.holder,
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
        self._link.close()

    def _queue(self, name: str) -> RedisQueue:
        if name not in self._queues:
            self._queues[name] = RedisQueue(self._link, self._prefix, name)
        return self._queues[name]

    def _expire_earlier_keys(self) -> None:
        """Have the keys expire that an earlier version named without braces, whose bells are rung again from SQL.

        They are there for a while yet: workers of that version may still go on beside this one.
        """
        earlier = f"questline:{self._namespace}"
        names = cast("set[bytes]", self.client.smembers(names_key(earlier)))
        keys = [key for name in names for key in keys_of(earlier, name.decode())]
        for key in [*keys, names_key(earlier), f"{earlier}:generation"] if names else []:
            self.client.expire(key, EARLIER_SECONDS)

    def _known_queues(self) -> set[str]:
        """Return the queues declared here and those that anyone rang in."""
        rung = cast("set[bytes]", self.client.smembers(names_key(self._prefix)))
        return self.get_declared_queues() | {name.decode() for name in rung}

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Tell the caller which broker failed, and what to do, without its password."""
        try:
            yield
        except BROKER_ERRORS as error:
            raise unavailable(self._link.address, error) from error
