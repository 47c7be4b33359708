"""A broker that is down, restarted or full."""

from collections.abc import Callable

import pytest

from questline_persistence.errors import StoreUnavailable
from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from tests.doorbells import bell, declare, taken, working
from tests.integration.brokers.redis.consumers import consumer_of, failures
from tests.integration.brokers.redis.opening import Open
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually


def test_every_call_tells_that_the_broker_is_down(open_at: Open) -> None:
    down = open_at("redis://user:secret@127.0.0.1:1/0")
    calls: list[Callable[[], object]] = [
        *(down.ping, down.recollects, down.remember, down.flush_all),
        *(lambda: down.ring([bell("q1")]), lambda: down.requeue_dead(["w1"]), lambda: down.flush("default")),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1") as caught:
            call()
        assert caught.value.hint
        assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_a_worker_lives_through_a_restart_of_the_broker(
    fragile: RingingRedisBroker, valkey_server: ValkeyServer
) -> None:
    ran: list[str] = []
    declare(fragile, ran.append)
    with working(fragile) as worker:
        thread = worker.consumers["default"]
        fragile.ring([bell("before")])
        eventually(lambda: ran == ["before"])
        valkey_server.stop()
        with pytest.raises(StoreUnavailable, match=str(valkey_server.port)):
            fragile.ring([bell("lost")])
        eventually(lambda: failures(worker) > 3)

        valkey_server.start()
        fragile.ring([bell("after")])
        eventually(lambda: ran == ["before", "after"])
        assert worker.consumers["default"] is thread
        assert thread.is_alive()
    assert not fragile.recollects()


def test_a_full_broker_refuses_bells(fragile: RingingRedisBroker) -> None:
    fragile.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable, match="maxmemory") as caught:
            fragile.ring([bell("q1")])
    finally:
        fragile.client.config_set("maxmemory", 0)

    assert "maxmemory" in str(caught.value.hint)
    assert taken(fragile) == []


def test_a_worker_lives_through_a_full_broker(fragile: RingingRedisBroker) -> None:
    ran: list[str] = []
    declare(fragile, ran.append)
    fragile.ring([bell("a")])
    fragile.client.config_set("maxmemory", 1)
    try:
        with working(fragile) as worker:
            eventually(lambda: failures(worker) > 0 or ran)
            fragile.client.config_set("maxmemory", 0)

            eventually(lambda: ran == ["a"])
    finally:
        fragile.client.config_set("maxmemory", 0)


def test_a_worker_may_stop_while_the_broker_is_down(fragile: RingingRedisBroker, valkey_server: ValkeyServer) -> None:
    declare(fragile, print)
    with working(fragile) as worker:
        eventually(lambda: consumer_of(worker)._listening)
        valkey_server.stop()
    assert not worker.consumers["default"].is_alive()
