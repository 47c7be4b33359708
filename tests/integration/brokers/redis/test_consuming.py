"""A consumer that idles is woken at once."""

import threading

import pytest

from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from tests.doorbells import bell, declare, quests, received, taken, working
from tests.integration.brokers.redis.consumers import woken
from tests.integration.brokers.redis.opening import Open
from tests.waiting import eventually


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

    assert quests(taken(open_at(holder="w2"))) == ["q3"]
    assert broker.requeue_dead([broker.holder]) == 2
    assert quests(taken(open_at(holder="w3"))) == ["q2", "q1"], "not in its place"


def test_each_bell_of_a_batch_wakes_a_consumer(look_seconds: float, open_at: Open) -> None:
    listeners, ringing = [open_at(holder=f"w{number}") for number in range(4)], open_at()
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
