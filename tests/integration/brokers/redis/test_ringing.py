"""Which bells are queued, in which order, and where."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from questline_persistence.errors import StoreUnavailable
from questline_scheduler.doorbells import ACTOR_NAME, message_for
from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from questline_scheduler.doorbells.redis_queue import MAX_TOKENS
from tests.doorbells import bell, quests, received, taken
from tests.integration.brokers.redis.opening import Open


def test_a_bell_is_not_queued_again_while_a_worker_holds_it(broker: RingingRedisBroker, open_at: Open) -> None:
    broker.ring([bell("q1")])
    assert taken(broker) == ["q1:0:0001:0"]

    broker.ring([bell("q1")])

    assert taken(open_at(holder="w2")) == []


def test_a_bell_that_was_held_too_long_may_be_rung_again(broker: RingingRedisBroker, open_at: Open) -> None:
    broker.ring([bell("q1")])
    slow = broker.consume("default", timeout=10)
    message = received(slow)
    age_holds(broker, 31_000)

    broker.ring([bell("q1")])
    broker.ring([bell("q1")])
    second = open_at(holder="w2")
    assert taken(second) == ["q1:0:0001:0"]

    slow.ack(message)
    slow.close()
    assert second.requeue_dead(["w2"]) == 1, "the ack of the slow one took the message from the second"


def test_a_thousand_bells_are_rung_in_order(broker: RingingRedisBroker) -> None:
    broker.ring([bell(f"q{number}") for number in range(1_234)])

    assert quests(taken(broker, prefetch=2_000)) == [f"q{number}" for number in range(1_234)]
    assert broker.client.llen("questline:{default}:queue:default:wake") == 0


def test_wake_tokens_are_bounded(broker: RingingRedisBroker) -> None:
    broker.ring([bell(f"q{number}") for number in range(1_000)])

    assert broker.client.llen("questline:{default}:queue:default:wake") == MAX_TOKENS


def test_two_namespaces_never_meet(open_at: Open) -> None:
    one, two = open_at(namespace="one"), open_at(namespace="two")
    one.ring([bell("q1")])
    one.recollects()
    one.remember()

    assert taken(two) == []
    assert two.requeue_dead(["w1"]) == 0
    assert not two.recollects()
    two.flush_all()
    assert taken(one) == ["q1:0:0001:0"]


def test_a_socket_is_named_by_its_path(open_at: Open) -> None:
    with pytest.raises(StoreUnavailable, match=r"/nowhere/redis\.sock"):
        open_at("unix:///nowhere/redis.sock").ping()


def test_another_database_of_the_server_is_another_broker(fragile: RingingRedisBroker, open_at: Open) -> None:
    url = f"redis://127.0.0.1:{fragile.client.connection_pool.connection_kwargs['port']}/1"
    fragile.ring([bell("q1")])

    assert urlsplit(url).path == "/1"
    assert taken(open_at(url)) == []


def test_the_actor_has_the_name_that_messages_carry() -> None:
    assert message_for(bell("q1")).actor_name == ACTOR_NAME == "run_step"


def age_holds(broker: RingingRedisBroker, millis: int) -> None:
    """Make every hold as much older as if the broker's clock had gone on."""
    key = "questline:{default}:queue:default:held"
    holds: Any = broker.client.hgetall(key)
    for name, hold in holds.items():
        since, _, rest = hold.decode().partition(" ")
        broker.client.hset(key, name, f"{int(since) - millis} {rest}")
