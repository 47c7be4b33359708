"""The broker in Redis, on a server that others use too or on one that the test may stop."""

from collections.abc import Iterator

import pytest

from questline_scheduler.doorbells import open_broker, redis_consumer, redis_link
from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from tests.integration.brokers.redis.opening import Open
from tests.servers.valkey import ValkeyServer


@pytest.fixture
def open_at(redis_url: str) -> Iterator[Open]:
    opened: list[RingingRedisBroker] = []

    def open_at(url: str = redis_url, *, namespace: str = "default", holder: str = "w1") -> RingingRedisBroker:
        broker = open_broker(url, namespace=namespace)
        assert isinstance(broker, RingingRedisBroker)
        broker.hold_as(holder)
        broker.declare_queue("default")
        opened.append(broker)
        return broker

    yield open_at
    for broker in opened:
        broker.close()


@pytest.fixture
def broker(open_at: Open) -> RingingRedisBroker:
    return open_at()


@pytest.fixture
def fragile(open_at: Open, valkey_server: ValkeyServer) -> RingingRedisBroker:
    """A broker on our own server, which the test may stop."""
    valkey_server.flush()
    return open_at(valkey_server.url)


@pytest.fixture
def look_seconds(monkeypatch: pytest.MonkeyPatch) -> float:
    """The length of a consumer's look: so long that one which comes about by itself is no answer to a bell."""
    monkeypatch.setattr(redis_consumer, "LONGEST_LISTEN", 60.0)
    monkeypatch.setitem(redis_link._COMMON, "socket_timeout", 90.0)
    return redis_consumer.LONGEST_LISTEN
