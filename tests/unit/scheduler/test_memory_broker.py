import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from dramatiq.errors import QueueJoinTimeout

from questline_persistence.claims import Doorbell
from questline_persistence.errors import ConfigurationError, PayloadError, StoreUnavailable
from questline_scheduler.brokers import open_broker
from questline_scheduler.doorbell_broker import ACTOR_NAME, HandedMessage, bell_named, message_for
from questline_scheduler.memory_broker import WANTED, MemoryBroker
from questline_scheduler.memory_queue import CAPACITY
from tests.doorbells import bell, declare, working
from tests.waiting import eventually

BELL = Doorbell("q1", 0, "0001", fence=3)


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker()
    broker.declare_queue("default")
    return broker


def test_a_message_holds_the_ids_of_its_bell_and_nothing_else() -> None:
    message = message_for(replace(BELL, queue="gpu", priority=5, available_at=1.5))

    assert (message.queue_name, message.actor_name, message.args, message.options) == ("gpu", ACTOR_NAME, (), {})
    assert message.kwargs == {"quest_id": "q1", "epoch": 0, "position": "0001"}
    assert message.message_id == "q1:0:0001:3"
    assert message == message_for(replace(BELL, queue="gpu", available_at=1.5))


@pytest.mark.parametrize("quest_id", ["q1", "a:b", "order:7:0001:2", "x" * 200])
def test_a_bell_is_known_by_the_id_of_its_message(quest_id: str) -> None:
    bell = replace(BELL, quest_id=quest_id, epoch=12, queue="gpu")

    assert bell_named(message_for(bell).message_id, "gpu") == bell


@pytest.mark.parametrize(
    "forged",
    [
        *("", "q1", "q1:0:0001", "q1:0:0001:", "q1:-1:0001:3", "q1:00:0001:3", "q1:0::3", "q 1:0:0001:3"),
        *("q1:0:0001:3\n", "q1:0:00\x0001:3", "q\ud800:0:0001:3", "q1:\u0663:0001:3", "q1:9999999999:0001:3"),
        "x" * 201 + ":0:0001:3",
    ],
)
def test_no_other_text_is_a_bell(forged: str) -> None:
    assert bell_named(forged, "default") is None


def test_nothing_is_asked_of_a_new_process_twice(broker: MemoryBroker) -> None:
    assert not broker.recollects()
    assert not broker.recollects()

    broker.remember()

    assert broker.recollects()


def test_a_bell_rung_thrice_is_queued_once(broker: MemoryBroker) -> None:
    assert broker.ring([BELL, BELL, BELL]) == []

    assert taken(broker, prefetch=9) == ["q1:0:0001:3"]


def test_a_bell_of_a_later_fence_is_queued_beside(broker: MemoryBroker) -> None:
    broker.ring([BELL, replace(BELL, fence=4)])

    assert taken(broker, prefetch=9) == ["q1:0:0001:3", "q1:0:0001:4"]


def test_a_bell_may_be_rung_again_once_it_was_taken(broker: MemoryBroker) -> None:
    broker.ring([BELL])
    assert taken(broker) == ["q1:0:0001:3"]

    broker.ring([BELL])

    assert taken(broker) == ["q1:0:0001:3"]


def test_bells_come_by_priority_and_then_in_their_turn(broker: MemoryBroker) -> None:
    broker.ring([bell("a"), bell("b", 5), bell("c", -5), bell("d", 5), bell("e")])

    assert [name[0] for name in taken(broker, prefetch=9)] == ["b", "d", "a", "e", "c"]


def test_a_full_queue_hands_the_rest_back(broker: MemoryBroker) -> None:
    bells = [bell(f"q{number}") for number in range(CAPACITY + 2)]

    assert broker.room() == WANTED
    assert broker.ring(bells) == bells[-2:]
    assert broker.room() == 0
    assert broker.ring([replace(bells[0], queue="other")]) == []
    with pytest.raises(StoreUnavailable, match="queue default is full"):
        broker.enqueue(message_for(bells[-1]))


def test_room_is_not_lost_to_queues_that_nobody_here_listens_to(broker: MemoryBroker) -> None:
    broker.ring([replace(bell(f"q{number}"), queue="elsewhere") for number in range(CAPACITY)])

    assert broker.room() == WANTED


def test_prefetch_is_respected(broker: MemoryBroker) -> None:
    broker.ring([bell("a"), bell("b"), bell("c")])
    consumer = broker.consume("default", prefetch=2, timeout=10)

    assert [message and message.kwargs["quest_id"] for message in (next(consumer), next(consumer), next(consumer))] == [
        "a",
        "b",
        None,
    ]


def test_an_ack_makes_room_at_once(broker: MemoryBroker) -> None:
    broker.ring([bell("a"), bell("b")])
    consumer = broker.consume("default", prefetch=1, timeout=10_000)
    threading.Timer(0.05, consumer.ack, [next(consumer)]).start()
    began = time.monotonic()

    assert next(consumer) is not None
    assert time.monotonic() - began < 5.0


def test_a_message_that_nobody_began_goes_back_to_its_place(broker: MemoryBroker) -> None:
    broker.ring([bell("a", 1), bell("b"), bell("c")])
    consumer = broker.consume("default", prefetch=9, timeout=10)
    first, second = next(consumer), next(consumer)
    assert first is not None
    assert second is not None

    consumer.requeue([second, first])

    assert [name[0] for name in taken(broker, prefetch=9)] == ["a", "b", "c"]


def test_a_message_that_went_back_is_waited_for_until_it_is_done(broker: MemoryBroker) -> None:
    broker.ring([BELL])
    consumer = broker.consume("default", timeout=10)
    message = next(consumer)
    assert message is not None
    consumer.requeue([message])
    with pytest.raises(QueueJoinTimeout):
        broker.join("default", timeout=1)

    again = next(consumer)
    assert again is not None
    consumer.ack(again)

    broker.join("default", timeout=1)


def test_a_bell_wakes_a_consumer_that_waits(broker: MemoryBroker) -> None:
    consumer = broker.consume("default", timeout=10_000)
    threading.Timer(0.05, broker.ring, [[BELL]]).start()
    began = time.monotonic()

    assert next(consumer) is not None
    assert time.monotonic() - began < 5.0


def test_nobody_else_held_messages_of_this_process(broker: MemoryBroker) -> None:
    broker.ping()

    assert broker.requeue_dead(["w1", "w2"]) == 0


def test_flushing_forgets_what_waits(broker: MemoryBroker) -> None:
    broker.ring([BELL])
    broker.flush_all()

    broker.join("default", timeout=0)
    assert taken(broker) == []


def test_join_gives_up_after_its_timeout(broker: MemoryBroker) -> None:
    broker.ring([BELL])

    with pytest.raises(QueueJoinTimeout):
        broker.join("default", timeout=1)


def test_no_delay_queue_and_no_middleware_is_there(broker: MemoryBroker) -> None:
    assert broker.get_declared_queues() == {"default"}
    assert broker.get_declared_delay_queues() == set()
    assert broker.middleware == []


def test_a_message_sent_by_hand_is_a_bell_like_any_other(broker: MemoryBroker) -> None:
    actor = declare(broker, print)
    actor.send(quest_id="q1", epoch=0, position="0001")
    actor.send(quest_id="q1", epoch=0, position="0001")
    broker.enqueue(message_for(BELL))

    assert taken(broker, prefetch=9) == ["q1:0:0001:0", "q1:0:0001:3"]


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
def test_a_message_with_other_arguments_is_refused(broker: MemoryBroker, kwargs: dict[str, object]) -> None:
    with pytest.raises(PayloadError):
        declare(broker, print).send(**kwargs)


def test_a_message_for_another_actor_is_refused(broker: MemoryBroker) -> None:
    with pytest.raises(PayloadError, match="mail is no doorbell"):
        broker.enqueue(replace(message_for(BELL), actor_name="mail"))


def test_a_message_is_never_delayed(broker: MemoryBroker) -> None:
    with pytest.raises(ConfigurationError, match="cannot be delayed"):
        broker.enqueue(message_for(BELL), delay=1)


def test_a_worker_runs_what_is_rung_and_stops(broker: MemoryBroker) -> None:
    ran: list[str] = []
    declare(broker, ran.append)
    with working(broker) as worker:
        broker.ring([bell(f"q{number}") for number in range(100)])
        broker.join("default", timeout=10_000)

        assert set(worker.consumers) == {"default"}
    assert sorted(ran) == sorted(f"q{number}" for number in range(100))


def test_a_failed_message_is_done_too(broker: MemoryBroker, caplog: pytest.LogCaptureFixture) -> None:
    def fail(quest_id: str) -> None:
        raise LookupError(quest_id)

    declare(broker, fail)
    with working(broker):
        broker.ring([BELL])
        broker.join("default", timeout=10_000)
    assert "LookupError" in caplog.text


def test_what_a_stopped_worker_had_not_begun_is_there_for_the_next(broker: MemoryBroker) -> None:
    begun, let_go = threading.Event(), threading.Event()
    ran: list[str] = []

    def run(quest_id: str) -> None:
        ran.append(quest_id)
        begun.set()
        let_go.wait(10)

    declare(broker, run)
    with working(broker, threads=1):
        broker.ring([bell("a"), bell("b"), bell("c")])
        begun.wait(10)
        threading.Timer(0.05, let_go.set).start()

    left = [name[0] for name in taken(broker, prefetch=9)]
    assert ran + left == ["a", "b", "c"]


def test_many_threads_may_ring_and_take(broker: MemoryBroker) -> None:
    ran: list[str] = []
    declare(broker, ran.append)
    with working(broker, threads=4):
        threads = [threading.Thread(target=ring_until_taken, args=(broker, part)) for part in "abcd"]
        for thread in threads:
            thread.start()
        eventually(lambda: len(ran) == 2_000)
    assert len(set(ran)) == 2_000


@pytest.mark.parametrize("url", ["memory://", "memory:", "MEMORY://"])
def test_a_memory_url_opens_a_broker_in_this_process(url: str) -> None:
    assert isinstance(open_broker(url, namespace="default"), MemoryBroker)


@pytest.mark.parametrize("url", ["", "amqp://host", "localhost:6379", "/tmp/socket"])  # noqa: S108
def test_another_url_is_refused_with_those_that_are_known(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_broker(url, namespace="default")

    assert all(scheme in str(caught.value.hint) for scheme in ("memory://", "redis://", "rediss://", "unix://"))


@pytest.mark.parametrize(
    "url", ["redis://:sec/ret@host:1", "redis://:secret@host:port", "redis://host/0?socket_timeout=x"]
)
def test_a_malformed_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="malformed") as caught:
        open_broker(url, namespace="default")

    assert "sec" not in f"{caught.value} {caught.value.hint}"


def test_a_redis_url_connects_to_nothing_yet() -> None:
    broker = open_broker("redis://localhost:1", namespace="default")

    assert broker.room() is None
    assert broker.middleware == []


def test_users_of_memory_do_not_pay_for_the_redis_client() -> None:
    script = "import sys; from questline_scheduler.brokers import open_broker; open_broker('memory://', namespace='n')"

    subprocess.run([sys.executable, "-c", f"{script}; assert 'redis' not in sys.modules"], check=True)


def taken(broker: MemoryBroker, *, prefetch: int = 1) -> list[str]:
    consumer = broker.consume("default", prefetch, timeout=10)
    return [message.message_id for message in iter(lambda: next(consumer), None) if message is not None]


def ring_until_taken(broker: MemoryBroker, part: str) -> None:
    left = [bell(f"{part}{number}") for number in range(500)]
    while left:
        left = broker.ring(left)


def test_a_place_is_reserved_where_no_bell_waits_and_a_thread_is_free(broker: MemoryBroker) -> None:
    consumer = broker.consume("default", prefetch=2, timeout=10)
    assert [consumer.reserve(own=False) for _ in range(3)] == [True, True, False]
    consumer.free()
    assert consumer.reserve(own=False)
    assert consumer._held == 2


def test_where_a_bell_waits_only_the_caller_s_own_place_is_reserved(broker: MemoryBroker) -> None:
    broker.ring([BELL])
    consumer = broker.consume("default", prefetch=1, timeout=10)
    assert not consumer.reserve(own=False)
    assert consumer.reserve(own=True)
    assert next(consumer) is None, "the bell has no thread now"
    consumer.free()
    assert next(consumer) is not None


@pytest.mark.parametrize("end", ["ack", "nack", "requeue"])
def test_a_handed_message_frees_its_place_and_counts_as_no_bell(broker: MemoryBroker, end: str) -> None:
    consumer = broker.consume("default", prefetch=1, timeout=10)
    assert consumer.reserve(own=False)
    message = HandedMessage(message_for(BELL), consumer.free)
    if end == "requeue":
        consumer.requeue([message])
    else:
        getattr(consumer, end)(message)
    assert (consumer._held, len(broker._queue("default"))) == (0, 0)
    broker.join("default", timeout=1)
