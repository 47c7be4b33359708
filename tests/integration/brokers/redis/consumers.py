"""Consumers of the broker in Redis: how they are woken, and what they have met."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import dramatiq
import redis

from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from questline_scheduler.doorbells.redis_consumer import RedisConsumer
from tests.doorbells import received
from tests.waiting import eventually


def woken(listeners: list[RingingRedisBroker], look_seconds: float, wake: Callable[[], object]) -> list[str]:
    """Have idle consumers listen, then `wake` them; return what they got, long before their looks would have ended."""
    with ThreadPoolExecutor(len(listeners)) as pool:
        looks = [
            pool.submit(received, listener.consume("default", timeout=int(1_000 * look_seconds)))
            for listener in listeners
        ]
        eventually(lambda: listeners[0].client.info("clients").get("blocked_clients") == len(listeners))
        began = time.monotonic()
        wake()
        found = [look.result().message_id for look in looks]
        assert time.monotonic() - began < look_seconds / 2
    return found


def consumer_of(worker: dramatiq.Worker) -> RedisConsumer:
    consumer = eventually(lambda: worker.consumers["default"].consumer)
    assert isinstance(consumer, RedisConsumer)
    return consumer


def failures(worker: dramatiq.Worker) -> int:
    return consumer_of(worker)._failures


def raise_timeout(*_: object) -> None:
    raise redis.TimeoutError
