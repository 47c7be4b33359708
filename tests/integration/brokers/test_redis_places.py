"""Where a broker's URL may lead besides to one server: to a cluster, and to what sentinels name."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import redis

from questline_persistence.errors import ConfigurationError, StoreUnavailable
from questline_scheduler.doorbells import open_broker
from questline_scheduler.doorbells.redis_broker import EARLIER_SECONDS, RingingRedisBroker
from tests.doorbells import bell, quests, taken
from tests.servers.sentinels import SentinelService
from tests.servers.valkey_cluster import ValkeyCluster
from tests.waiting import eventually

Open = Callable[..., RingingRedisBroker]


@pytest.fixture
def open_at() -> Iterator[Open]:
    opened: list[RingingRedisBroker] = []

    def open_at(url: str, namespace: str = "default") -> RingingRedisBroker:
        broker = open_broker(url, namespace=namespace)
        assert isinstance(broker, RingingRedisBroker)
        broker.declare_queue("default")
        opened.append(broker)
        return broker

    yield open_at
    for broker in opened:
        broker.close()


@pytest.mark.parametrize("namespace", ["default", "a", "b", "c"])  # of which not all are on one node
def test_whichever_node_of_a_cluster_is_named_the_bells_are_the_same(
    valkey_cluster: ValkeyCluster, cluster_url: str, open_at: Open, namespace: str
) -> None:
    for number, url in enumerate(valkey_cluster.urls):
        open_at(url, namespace).ring([bell(f"q{number}")])

    assert quests(taken(open_at(cluster_url, namespace))) == ["q0", "q1", "q2"]
    assert open_at(cluster_url, namespace).requeue_dead(["nobody"]) == 0


def test_one_node_that_is_up_is_enough_to_find_a_cluster(
    valkey_cluster: ValkeyCluster, cluster_url: str, open_at: Open
) -> None:
    hosts = cluster_url.removeprefix("redis://").removesuffix("/0")
    broker = open_at(f"redis+cluster://127.0.0.1:1,{hosts}")
    broker.ring([bell("q1")])

    assert broker.in_cluster
    assert quests(taken(open_at(valkey_cluster.urls[2]))) == ["q1"]


def test_a_cluster_that_is_down_is_told_like_any_other_broker(open_at: Open) -> None:
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1"):
        open_at("redis+cluster://user:secret@127.0.0.1:1").ping()


def test_another_database_than_0_is_told_where_there_is_a_cluster(cluster_url: str, open_at: Open) -> None:
    broker = open_at(cluster_url.removesuffix("/0") + "/3")
    with pytest.raises(StoreUnavailable) as caught:
        broker.ping()
    assert "database 0" in str(caught.value.hint)


def test_a_service_that_no_sentinel_knows_is_told_with_its_mending(open_at: Open) -> None:
    with pytest.raises(StoreUnavailable, match="No master found for 'bells'") as caught:
        open_at("redis+sentinel://user:secret@127.0.0.1:1/bells").ping()
    assert "<" not in str(caught.value)
    assert "sentinel_password" in str(caught.value.hint)


def test_workers_follow_the_sentinels_to_a_new_primary(open_at: Open) -> None:
    with SentinelService() as service:
        broker = open_at(service.url)
        broker.ring([bell("before")])
        assert quests(taken(broker)) == ["before"]

        service.fail_over()
        eventually(lambda: broker.ring([bell("after")]) == [], timeout=30.0, ignoring=(StoreUnavailable,))

        assert "after" in quests(taken(broker))
        with redis.Redis.from_url(service.replica.url) as client:
            assert client.exists("questline:{default}:queue:default:turn")


@pytest.mark.parametrize(
    "url",
    [
        "redis://one:1,two:2/0",
        "redis+sentinel://one:1,two:2",
        "redis+sentinel://one:x/bells",
        "redis+cluster://one:1?socket_timeout=x",
    ],
)
def test_a_url_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="malformed"):
        open_broker(url, namespace="default")


def test_what_an_earlier_version_left_expires_and_what_is_there_now_stays(redis_url: str, open_at: Open) -> None:
    broker = open_at(redis_url)
    broker.client.sadd("questline:default:queues", "mail")
    broker.client.zadd("questline:default:queue:mail:ready", {"q1:0:0001:0": 1})
    broker.client.set("questline:default:generation", "told")
    broker.ring([bell("q1")])
    assert not broker.recollects(), "what was rung under the names of before is to be rung again"
    broker.remember()

    keys: list[bytes] = cast("Any", broker.client.keys("*"))
    left = {key.decode(): broker.client.ttl(key) for key in keys}
    assert {key for key, seconds in left.items() if 0 < seconds <= EARLIER_SECONDS} == {
        "questline:default:queues",
        "questline:default:queue:mail:ready",
        "questline:default:generation",
    }
    assert {seconds for key, seconds in left.items() if "{" in key} == {-1}, left
