"""Who watches a namespace is told by Redis that something moves, and not more often than is of use."""

import time
from collections.abc import Iterator

import pytest
import redis

from questline_persistence.errors import StoreUnavailable
from questline_scheduler.doorbells import DoorbellBroker, Watch, open_broker
from questline_scheduler.doorbells.redis_queue import TOLD_MILLIS, moves_key, prefix_of
from tests.doorbells import bell, received

SOON, NOW = 5.0, 0.05


@pytest.fixture(params=["redis", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def broker(url: str) -> Iterator[DoorbellBroker]:
    broker = open_broker(url, namespace="default")
    broker.declare_queue("default")
    yield broker
    broker.close()


@pytest.fixture
def watch(broker: DoorbellBroker) -> Iterator[Watch]:
    watch = broker.watch()
    assert watch is not None
    assert watch.moved(SOON), "that it listens now is the first word"
    yield watch
    watch.close()


def over(broker: DoorbellBroker) -> None:
    """Let the time pass in which nothing more is told."""
    broker.client.delete(moves_key(prefix_of("default")))  # type: ignore[attr-defined]


def test_what_is_rung_and_what_is_done_is_told(broker: DoorbellBroker, watch: Watch) -> None:
    broker.ring([bell("q1")])
    assert watch.moved(SOON)

    over(broker)
    consumer = broker.consume("default", timeout=10)
    message = received(consumer)
    assert not watch.moved(NOW), "a step that is fetched has changed nothing yet"
    consumer.ack(message)
    next(consumer)
    consumer.close()
    assert watch.moved(SOON)


def test_however_much_moves_watchers_are_told_so_often_and_no_more(broker: DoorbellBroker, watch: Watch) -> None:
    over(broker)
    before = time.monotonic()
    for number in range(20):
        broker.ring([bell(f"q{number}")])
    passed = (time.monotonic() - before) * 1000
    told = 0
    while watch.moved(NOW):
        told += 1

    assert 1 <= told <= 1 + passed / TOLD_MILLIS


def test_another_namespace_is_not_heard(broker: DoorbellBroker, watch: Watch, url: str) -> None:
    other = open_broker(url, namespace="other")
    other.declare_queue("default")
    other.ring([bell("q1")])
    other.close()

    assert not watch.moved(NOW)
    assert broker.ring([bell("q1")]) == []


def test_a_broker_that_lets_nobody_tell_takes_bells_all_the_same(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as admin:
        admin.acl_setuser("mute", enabled=True, nopass=True, keys=["*"], commands=["+@all"], reset=True)
        try:
            broker = open_broker(redis_url.replace("redis://", "redis://mute:x@"), namespace="default")
            broker.declare_queue("default")
            watch = broker.watch()
            assert watch is not None
            with pytest.raises(StoreUnavailable):
                watch.moved(NOW)
            assert broker.ring([bell("q1")]) == []
            assert received(broker.consume("default", timeout=10)).message_id == "q1:0:0001:0"
            broker.close()
        finally:
            admin.acl_deluser("mute")
