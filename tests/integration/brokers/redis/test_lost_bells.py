"""What dead workers held, lost replies and lost memory cost no bell."""

import pytest
import redis

from questline_scheduler.doorbells.redis_broker import RingingRedisBroker
from tests.doorbells import bell, quests, received, taken
from tests.integration.brokers.redis.consumers import raise_timeout, woken
from tests.integration.brokers.redis.opening import Open


def test_what_a_dead_worker_had_fetched_goes_back_to_its_place(open_at: Open) -> None:
    dead = open_at(holder="dead")
    dead.ring([bell("a", 5), bell("b"), bell("c")])
    consumer = dead.consume("default", prefetch=2, timeout=10)
    received(consumer)
    dead.ring([bell("d", 9)])

    assert open_at(holder="scheduler").requeue_dead(["stranger", "dead"]) == 2
    assert quests(taken(open_at(holder="alive"))) == ["d", "a", "b", "c"]


def test_what_a_dead_worker_had_fetched_wakes_an_idle_one(look_seconds: float, open_at: Open) -> None:
    dead, alive = open_at(holder="dead"), open_at(holder="alive")
    dead.ring([bell("q1")])
    taken(dead)

    assert quests(woken([alive], look_seconds, lambda: alive.requeue_dead(["dead"]))) == ["q1"]


def test_the_queues_of_a_dead_worker_need_not_be_known(open_at: Open) -> None:
    dead = open_at(holder="dead")
    dead.ring([bell("q1", queue="gpu")])
    received(dead.consume("gpu", timeout=10))

    assert open_at(holder="scheduler").requeue_dead(["dead"]) == 1


def test_what_living_workers_hold_stays_with_them(open_at: Open) -> None:
    alive = open_at(holder="alive")
    alive.ring([bell("q1")])
    taken(alive)

    assert alive.requeue_dead(["dead", "ali", "alive2"]) == 0


def test_an_ack_of_a_worker_that_was_declared_dead_takes_nothing(open_at: Open) -> None:
    frozen = open_at(holder="frozen")
    frozen.ring([bell("q1")])
    consumer = frozen.consume("default", timeout=10)
    message = received(consumer)
    frozen.requeue_dead(["frozen"])

    consumer.ack(message)
    consumer.close()

    assert taken(open_at(holder="w2")) == ["q1:0:0001:0"]


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
    assert open_at().missing([*bells, bell("held"), bell("q1"), bell("held", fence=1)]) == [
        bell("q1"),
        bell("held", fence=1),
    ]
    broker.client.delete("questline:{default}:queue:mail:ready")  # as an eviction does
    assert broker.missing([*bells, bell("held")]) == bells


def test_an_ack_after_a_flush_is_harmless(broker: RingingRedisBroker) -> None:
    broker.ring([bell("a"), bell("b")])
    consumer = broker.consume("default", prefetch=2, timeout=10)
    message = received(consumer)
    broker.client.flushall()
    broker.client.script_flush()

    consumer.ack(message)
    broker.ring([bell("c")])

    assert quests([received(consumer).message_id, received(consumer).message_id]) == ["b", "c"]
