"""What every broker does alike: order, duplicates, prefetch, giving back, closing, fairness between queues."""

import threading
import time
from dataclasses import replace

import pytest
from dramatiq.errors import QueueJoinTimeout

from questline_persistence.errors import ConfigurationError, PayloadError
from questline_scheduler.doorbells import DoorbellBroker, message_for, redis_consumer
from tests.doorbells import bell, declare, quests, received, taken, working
from tests.integration.brokers.conftest import Site
from tests.waiting import eventually

#: A bound for liveness, not for speed, in seconds.
SOON = 5.0


# Ringing


def test_a_bell_rung_thrice_is_queued_once(broker: DoorbellBroker) -> None:
    assert broker.ring([bell("q1"), bell("q1")]) == []
    assert broker.ring([bell("q1")]) == []

    assert taken(broker) == ["q1:0:0001:0"]


def test_a_bell_of_a_later_fence_is_queued_beside(broker: DoorbellBroker) -> None:
    broker.ring([bell("q1", fence=1), bell("q1", fence=2)])

    assert taken(broker) == ["q1:0:0001:1", "q1:0:0001:2"]


def test_a_bell_may_be_rung_again_after_its_ack(broker: DoorbellBroker) -> None:
    broker.ring([bell("q1")])
    consumer = broker.consume("default", timeout=10)
    consumer.ack(received(consumer))
    consumer.close()

    broker.ring([bell("q1")])

    assert taken(broker) == ["q1:0:0001:0"]


def test_bells_come_by_priority_and_then_in_their_turn(broker: DoorbellBroker) -> None:
    broker.ring([bell("a"), bell("b", 1000), bell("c", -1000)])
    broker.ring([bell("d", 1000), bell("e"), bell("f", 1)])

    assert quests(taken(broker)) == ["b", "d", "f", "a", "e", "c"]


def test_an_urgent_bell_goes_before_a_backlog(broker: DoorbellBroker) -> None:
    broker.ring([bell(f"q{number}") for number in range(900)])
    consumer = broker.consume("default", prefetch=2, timeout=10)
    consumer.ack(received(consumer))
    broker.ring([bell("urgent", 1000)])

    assert "urgent" in quests([received(consumer).message_id for _ in range(2)])


def test_a_backlog_of_one_queue_keeps_no_other_queue_waiting(broker: DoorbellBroker) -> None:
    broker.ring([bell(f"q{number}", queue="bulk") for number in range(900)])
    bulk = broker.consume("bulk", prefetch=2, timeout=10)
    assert received(bulk)
    broker.ring([bell("letter", queue="mail")])

    assert quests(taken(broker, queue="mail")) == ["letter"]


def test_a_bell_for_a_queue_that_is_declared_nowhere_here_is_handed_back_or_kept_for_whoever_listens(
    site: Site,
) -> None:
    left = site.broker.ring([bell("q1"), bell("q2", queue="elsewhere")])
    assert quests(taken(site.broker)) == ["q1"]

    other = site.another()
    other.declare_queue("elsewhere")
    other.ring(left)
    assert quests(taken(other, queue="elsewhere")) == ["q2"]


def test_a_message_sent_by_hand_is_a_bell_like_any_other(broker: DoorbellBroker) -> None:
    actor = declare(broker, print)
    actor.send(quest_id="q1", epoch=0, position="0001")
    actor.send(quest_id="q1", epoch=0, position="0001")
    broker.enqueue(message_for(bell("q1", fence=3)))

    assert taken(broker) == ["q1:0:0001:0", "q1:0:0001:3"]


def test_a_message_with_another_bell_s_id_is_queued_under_its_own(broker: DoorbellBroker) -> None:
    broker.enqueue(replace(message_for(bell("q1")), message_id="q2:0:0001:7"))

    assert taken(broker) == ["q1:0:0001:0"]


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"quest_id": "q1", "epoch": 0},
        {"quest_id": "q1", "epoch": "0", "position": "0001"},
        {"quest_id": "q1", "epoch": True, "position": "0001"},
        {"quest_id": "q1", "epoch": -1, "position": "0001"},
        {"quest_id": 1, "epoch": 0, "position": "0001"},
        {"quest_id": "q1", "epoch": 0, "position": "0001", "more": 1},
    ],
)
def test_a_message_with_other_arguments_is_refused(broker: DoorbellBroker, kwargs: dict[str, object]) -> None:
    with pytest.raises(PayloadError):
        declare(broker, print).send(**kwargs)


def test_a_message_for_another_actor_is_refused(broker: DoorbellBroker) -> None:
    with pytest.raises(PayloadError, match="mail wakes no step"):
        broker.enqueue(replace(message_for(bell("q1")), actor_name="mail"))


def test_a_message_is_never_delayed(broker: DoorbellBroker) -> None:
    with pytest.raises(ConfigurationError, match="cannot be delayed"):
        broker.enqueue(message_for(bell("q1")), delay=1)


def test_no_delay_queue_and_no_middleware_is_there(broker: DoorbellBroker) -> None:
    assert broker.get_declared_delay_queues() == set()
    assert broker.middleware == []


# Consuming


def test_a_bell_wakes_a_consumer_that_waits(broker: DoorbellBroker) -> None:
    arrived = threading.Event()
    declare(broker, lambda _: arrived.set())
    with working(broker, timeout=1_000):
        broker.ring([bell("first")])
        assert arrived.wait(SOON)
        arrived.clear()
        broker.ring([bell("second")])
        assert arrived.wait(SOON)


def test_prefetch_is_respected(site: Site) -> None:
    site.broker.ring([bell("a"), bell("b"), bell("c")])
    consumer = site.broker.consume("default", prefetch=2, timeout=10)

    assert quests([received(consumer).message_id, received(consumer).message_id]) == ["a", "b"]
    assert next(consumer) is None
    assert quests(taken(site.another())) == ["c"]


def test_an_ack_makes_room_at_once(broker: DoorbellBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_consumer, "LONGEST_LISTEN", 60.0)
    broker.ring([bell("a"), bell("b")])
    consumer = broker.consume("default", prefetch=1, timeout=60_000)
    threading.Timer(0.05, consumer.ack, [received(consumer)]).start()
    began = time.monotonic()

    assert next(consumer) is not None
    assert time.monotonic() - began < 30, "it waited until its look was over"


def test_messages_that_nobody_began_go_back_to_their_places(site: Site) -> None:
    site.broker.ring([bell("a", 1), bell("b"), bell("c")])
    consumer = site.broker.consume("default", prefetch=3, timeout=10)
    first, second, _ = received(consumer), received(consumer), received(consumer)

    consumer.requeue([second, first])

    assert quests(taken(site.another())) == ["a", "b"]


def test_a_closed_consumer_keeps_nothing_that_it_did_not_hand_out(site: Site) -> None:
    site.broker.ring([bell("a"), bell("b"), bell("c"), bell("d", -1)])
    consumer = site.broker.consume("default", prefetch=3, timeout=10)
    received(consumer)

    consumer.close()

    assert quests(taken(site.another())) == ["b", "c", "d"]


def test_a_worker_runs_what_is_rung_and_starts_no_consumer_for_delays(broker: DoorbellBroker) -> None:
    ran: list[str] = []
    declare(broker, ran.append)
    with working(broker) as worker:
        broker.ring([bell(f"q{number}") for number in range(200)])
        broker.join("default", timeout=10_000)

        assert set(worker.consumers) == broker.get_declared_queues()
    assert sorted(ran) == sorted(f"q{number}" for number in range(200))


def test_what_a_stopped_worker_had_not_begun_is_there_for_the_next(site: Site) -> None:
    begun, let_go = threading.Event(), threading.Event()
    ran: list[str] = []

    def run(quest_id: str) -> None:
        ran.append(quest_id)
        begun.set()
        let_go.wait(10)

    declare(site.broker, run)
    with working(site.broker, threads=1):
        site.broker.ring([bell("a"), bell("b"), bell("c")])
        begun.wait(10)
        threading.Timer(0.05, let_go.set).start()

    assert ran + quests(taken(site.another())) == ["a", "b", "c"]


def test_a_failed_message_is_done_too(broker: DoorbellBroker, caplog: pytest.LogCaptureFixture) -> None:
    def fail(quest_id: str) -> None:
        raise LookupError(quest_id)

    declare(broker, fail)
    with working(broker):
        broker.ring([bell("q1")])
        broker.join("default", timeout=10_000)
    assert "LookupError" in caplog.text


def test_join_gives_up_after_its_timeout_and_flush_empties(broker: DoorbellBroker) -> None:
    broker.ring([bell("q1")])
    with pytest.raises(QueueJoinTimeout):
        broker.join("default", timeout=1)

    broker.flush_all()

    broker.join("default", timeout=1)
    assert taken(broker) == []


# Threads that the queues of a process share


def test_while_long_steps_of_one_queue_keep_all_threads_nothing_is_fetched_from_another(site: Site) -> None:
    site.broker.ring([bell("long-1", queue="bulk"), bell("long-2", queue="bulk")])
    bulk = site.broker.consume("bulk", prefetch=2, timeout=10)
    mail = site.broker.consume("mail", prefetch=2, timeout=10)
    running = [received(bulk), received(bulk)]
    site.broker.ring([bell("letter", queue="mail")])
    assert next(mail) is None
    assert next(mail) is None

    waiting = threading.Thread(target=lambda: fetched.append(received(mail).message_id))
    fetched: list[str] = []
    waiting.start()
    bulk.ack(running[0])
    waiting.join(SOON)
    assert quests(fetched) == ["letter"]


def test_a_queue_has_its_turn_while_others_are_full_of_what_is_done_fast(broker: DoorbellBroker) -> None:
    broker.ring([bell(f"q{number}", queue="bulk") for number in range(9)])
    bulk = broker.consume("bulk", prefetch=2, timeout=10)
    mail = broker.consume("mail", prefetch=2, timeout=10)
    bulk.ack(received(bulk))
    for _ in range(2):
        received(bulk)
    broker.ring([bell("letter", queue="mail")])

    assert quests([received(mail).message_id]) == ["letter"]


def test_whoever_is_idle_gets_what_waits_behind_a_long_step_elsewhere(site: Site) -> None:
    site.broker.ring([bell("long"), bell("short")])
    busy = site.broker.consume("default", prefetch=2, timeout=10)
    received(busy)
    waiting = received(busy)

    busy.requeue([waiting])

    assert quests(taken(site.another())) == ["short"]


def test_no_bell_is_missed_by_a_worker_of_150_queues(site: Site) -> None:
    names = [f"queue-{number}" for number in range(150)]
    broker, ran = site.broker, set[str]()
    declare(broker, ran.add)
    for name in names:
        broker.declare_queue(name)
    with working(broker, timeout=1_000):
        broker.ring([bell(f"in-{name}", queue=name) for name in names])
        eventually(lambda: len(ran) == len(names), timeout=30.0, message="some queues are not heard")
