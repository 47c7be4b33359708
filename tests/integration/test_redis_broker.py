"""The broker in Redis, on a real server that is stopped, stalled, flushed and tampered with."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import dramatiq
import pytest
import redis

from questline_persistence.errors import StoreUnavailable
from questline_scheduler.doorbells import ACTOR_NAME, message_for, open_broker, redis_consumer, redis_link
from questline_scheduler.doorbells.doorbell_broker import MAX_MESSAGE_BYTES
from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from questline_scheduler.doorbells.redis_consumer import RedisConsumer
from questline_scheduler.doorbells.redis_queue import MAX_TOKENS
from tests.doorbells import bell, declare, quests, received, taken, working
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

Open = Callable[..., RingingRedisBroker]

#: A message of another actor, as Dramatiq's own broker would write it.
FOREIGN = dramatiq.Message(queue_name="default", actor_name="mail", args=("q1",), kwargs={}, options={}).encode()


@pytest.fixture
def open_at(redis_url: str) -> Iterator[Open]:
    opened: list[RingingRedisBroker] = []

    def open_at(url: str = redis_url, *, namespace: str = "default", broker_id: str = "w1") -> RingingRedisBroker:
        broker = open_broker(url, namespace=namespace)
        assert isinstance(broker, RingingRedisBroker)
        broker.broker_id = broker_id
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


# Ringing


def test_a_bell_is_not_queued_again_while_a_worker_holds_it(broker: RingingRedisBroker, open_at: Open) -> None:
    broker.ring([bell("q1")])
    assert taken(broker) == ["q1:0:0001:0"]

    broker.ring([bell("q1")])

    assert taken(open_at(broker_id="w2")) == []


def test_a_bell_that_was_held_too_long_may_be_rung_again(broker: RingingRedisBroker, open_at: Open) -> None:
    broker.ring([bell("q1")])
    slow = broker.consume("default", timeout=10)
    message = received(slow)
    age_holds(broker, 31_000)

    broker.ring([bell("q1")])
    broker.ring([bell("q1")])
    second = open_at(broker_id="w2")
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


# Consuming


@pytest.fixture
def look_seconds(monkeypatch: pytest.MonkeyPatch) -> float:
    """The length of a consumer's look: so long that one which comes about by itself is no answer to a bell."""
    monkeypatch.setattr(redis_consumer, "LONGEST_LISTEN", 60.0)
    monkeypatch.setitem(redis_link._COMMON, "socket_timeout", 90.0)
    return redis_consumer.LONGEST_LISTEN


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


def test_a_bell_wakes_an_idle_consumer_at_once(look_seconds: float, broker: RingingRedisBroker) -> None:
    assert quests(woken([broker], look_seconds, lambda: broker.ring([bell("q1")]))) == ["q1"]


def test_a_bell_that_comes_alone_is_taken_from_its_token_and_held_in_its_place(
    broker: RingingRedisBroker, open_at: Open
) -> None:
    consumer = broker.consume("default", prefetch=2, timeout=1_000)
    arrived: list[str] = []
    first = threading.Thread(target=lambda: arrived.append(received(consumer).message_id))
    first.start()
    eventually(lambda: broker.client.info("clients").get("blocked_clients"))
    broker.ring([bell("q1", 5)])
    first.join()
    assert arrived == ["q1:0:0001:0"]
    broker.ring([bell("q2", 7), bell("q3")])
    assert received(consumer).message_id == "q2:0:0001:0"

    assert quests(taken(open_at(broker_id="w2"))) == ["q3"]
    assert broker.requeue_dead([broker.broker_id]) == 2
    assert quests(taken(open_at(broker_id="w3"))) == ["q2", "q1"], "not in its place"


def test_each_bell_of_a_batch_wakes_a_consumer(look_seconds: float, open_at: Open) -> None:
    listeners, ringing = [open_at(broker_id=f"w{number}") for number in range(4)], open_at()
    found = woken(listeners, look_seconds, lambda: ringing.ring([bell(f"q{number}") for number in range(4)]))

    assert quests(sorted(found)) == ["q0", "q1", "q2", "q3"]


def test_an_ack_reaches_the_broker_while_the_consumer_waits_for_bells(broker: RingingRedisBroker) -> None:
    broker.ring([bell("q1")])
    consumer = broker.consume("default", prefetch=2, timeout=1_000)
    message = received(consumer)
    waiting = threading.Thread(target=next, args=[consumer])
    waiting.start()
    eventually(lambda: consumer._listening)

    consumer.ack(message)

    broker.join("default", timeout=500)
    assert waiting.is_alive()
    waiting.join()


def test_a_paused_worker_goes_on_with_a_new_consumer(
    broker: RingingRedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
    ran: list[str] = []
    declare(broker, ran.append)
    with working(broker) as worker:
        worker.pause()
        broker.ring([bell("q1")])
        worker.resume()

        eventually(lambda: ran == ["q1"])


# Dead workers and lost replies


def test_what_a_dead_worker_had_fetched_goes_back_to_its_place(open_at: Open) -> None:
    dead = open_at(broker_id="dead")
    dead.ring([bell("a", 5), bell("b"), bell("c")])
    consumer = dead.consume("default", prefetch=2, timeout=10)
    received(consumer)
    dead.ring([bell("d", 9)])

    assert open_at(broker_id="scheduler").requeue_dead(["stranger", "dead"]) == 2
    assert quests(taken(open_at(broker_id="alive"))) == ["d", "a", "b", "c"]


def test_what_a_dead_worker_had_fetched_wakes_an_idle_one(look_seconds: float, open_at: Open) -> None:
    dead, alive = open_at(broker_id="dead"), open_at(broker_id="alive")
    dead.ring([bell("q1")])
    taken(dead)

    assert quests(woken([alive], look_seconds, lambda: alive.requeue_dead(["dead"]))) == ["q1"]


def test_the_queues_of_a_dead_worker_need_not_be_known(open_at: Open) -> None:
    dead = open_at(broker_id="dead")
    dead.ring([bell("q1", queue="gpu")])
    received(dead.consume("gpu", timeout=10))

    assert open_at(broker_id="scheduler").requeue_dead(["dead"]) == 1


def test_what_living_workers_hold_stays_with_them(open_at: Open) -> None:
    alive = open_at(broker_id="alive")
    alive.ring([bell("q1")])
    taken(alive)

    assert alive.requeue_dead(["dead", "ali", "alive2"]) == 0


def test_an_ack_of_a_worker_that_was_declared_dead_takes_nothing(open_at: Open) -> None:
    frozen = open_at(broker_id="frozen")
    frozen.ring([bell("q1")])
    consumer = frozen.consume("default", timeout=10)
    message = received(consumer)
    frozen.requeue_dead(["frozen"])

    consumer.ack(message)
    consumer.close()

    assert taken(open_at(broker_id="w2")) == ["q1:0:0001:0"]


def test_bells_whose_fetch_was_not_answered_come_back(
    broker: RingingRedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.ring([bell("a"), bell("b")])
    consumer = broker.consume("default", prefetch=9, timeout=10)
    fetch = consumer._queue.fetch
    answers = iter([True])

    def unanswered(*args: object) -> list[bytes]:
        names = fetch(*args)  # type: ignore[arg-type]
        if next(answers, False):
            raise redis.TimeoutError
        return names

    monkeypatch.setattr(consumer._queue, "fetch", unanswered)

    assert next(consumer) is None
    assert quests([received(consumer).message_id, received(consumer).message_id]) == ["a", "b"]


def test_an_ack_that_was_not_sent_is_sent_with_the_next_fetch(
    broker: RingingRedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.ring([bell("q1")])
    consumer = broker.consume("default", timeout=10)
    message = received(consumer)
    with monkeypatch.context() as broken:
        broken.setattr(consumer._queue, "fetch", raise_timeout)
        consumer.ack(message)
        assert next(consumer) is None

    assert next(consumer) is None
    broker.join("default", timeout=1)


# Memory lost


def test_a_flushed_broker_recollects_nothing_until_it_was_told(broker: RingingRedisBroker) -> None:
    assert not broker.recollects()
    broker.remember()
    assert broker.recollects()

    broker.client.flushall()

    assert not broker.recollects()
    assert not broker.recollects()
    broker.remember()
    assert broker.recollects()


def test_a_broker_flushed_while_it_was_told_recollects_nothing(broker: RingingRedisBroker) -> None:
    assert not broker.recollects()
    broker.client.flushall()

    broker.remember()

    assert not broker.recollects()


def test_the_broker_says_which_bells_it_has_lost(broker: RingingRedisBroker, open_at: Open) -> None:
    bells = [bell(f"q{number}", queue="mail") for number in range(1_200)]
    broker.ring([*bells, bell("held")])
    received(broker.consume("default", timeout=10))
    assert open_at().lacking([*bells, bell("held"), bell("q1"), bell("held", fence=1)]) == [
        bell("q1"),
        bell("held", fence=1),
    ]
    broker.client.delete("questline:{default}:queue:mail:ready")  # as an eviction does
    assert broker.lacking([*bells, bell("held")]) == bells


def test_an_ack_after_a_flush_is_harmless(broker: RingingRedisBroker) -> None:
    broker.ring([bell("a"), bell("b")])
    consumer = broker.consume("default", prefetch=2, timeout=10)
    message = received(consumer)
    broker.client.flushall()
    broker.client.script_flush()

    consumer.ack(message)
    broker.ring([bell("c")])

    assert quests([received(consumer).message_id, received(consumer).message_id]) == ["b", "c"]


# Forgeries


@pytest.mark.parametrize(
    "forged",
    [
        FOREIGN,
        FOREIGN[:40],
        b"q" * (MAX_MESSAGE_BYTES + 1),
        b"q" * 3_000_000,
        b"\xff\x00",
        b"",
        b"q1:0:0001",
        b"q1:0:0001:1:",
        "q1:٣:0001:3".encode(),
    ],
    ids=["foreign", "truncated", "oversized", "huge", "binary", "empty", "short", "long", "digits"],
)
def test_fault_14_a_message_that_is_no_doorbell_is_dropped_and_those_behind_it_arrive(
    broker: RingingRedisBroker, forged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []
    declare(broker, ran.append)
    broker.client.zadd("questline:{default}:queue:default:ready", {forged: -1e15})
    with working(broker):
        broker.ring([bell("q1")])
        broker.join("default", timeout=10_000)
    assert ran == ["q1"]
    assert broker.dropped == 1
    assert "message_dropped" in caplog.text


def test_keys_of_another_type_keep_the_consumer_waiting_but_alive(broker: RingingRedisBroker) -> None:
    ran: list[str] = []
    declare(broker, ran.append)
    broker.client.set("questline:{default}:queue:default:ready", "vandal")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        broker.ring([bell("q1")])
    with working(broker) as worker:
        eventually(lambda: failures(worker) > 1)
        broker.client.delete("questline:{default}:queue:default:ready")
        broker.ring([bell("q1")])

        eventually(lambda: ran == ["q1"])


# Broker down, stalled, full


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


def consumer_of(worker: dramatiq.Worker) -> RedisConsumer:
    consumer = eventually(lambda: worker.consumers["default"].consumer)
    assert isinstance(consumer, RedisConsumer)
    return consumer


def failures(worker: dramatiq.Worker) -> int:
    return consumer_of(worker)._failures


def age_holds(broker: RingingRedisBroker, millis: int) -> None:
    """Make every hold as much older as if the broker's clock had gone on."""
    key = "questline:{default}:queue:default:held"
    holds: Any = broker.client.hgetall(key)
    for name, hold in holds.items():
        since, _, rest = hold.decode().partition(" ")
        broker.client.hset(key, name, f"{int(since) - millis} {rest}")


def raise_timeout(*_: object) -> None:
    raise redis.TimeoutError
