import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from questline_persistence.claims import Doorbell
from questline_persistence.errors import ConfigurationError, StoreUnavailable
from questline_scheduler.doorbells import ACTOR_NAME, HandedMessage, message_for, open_broker
from questline_scheduler.doorbells.bell_message import bell_named
from questline_scheduler.doorbells.memory_broker import MemoryBroker
from questline_scheduler.doorbells.memory_queue import CAPACITY
from tests.doorbells import bell, declare, received, taken, working
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


def test_a_bell_may_be_rung_again_once_it_was_taken(broker: MemoryBroker) -> None:
    broker.ring([BELL])
    assert taken(broker) == ["q1:0:0001:3"]

    broker.ring([BELL])

    assert taken(broker) == ["q1:0:0001:3"]


def test_a_full_queue_hands_the_rest_back(broker: MemoryBroker) -> None:
    broker.declare_queue("other")
    bells = [bell(f"q{number}") for number in range(CAPACITY + 2)]

    assert broker.ring(bells) == bells[-2:]
    assert broker.ring([replace(bells[0], queue="other")]) == []
    with pytest.raises(StoreUnavailable, match="queue default is full"):
        broker.enqueue(message_for(bells[-1]))


def test_a_bell_that_nobody_here_can_hear_is_handed_back(broker: MemoryBroker) -> None:
    assert broker.ring([replace(BELL, queue="elsewhere")]) == [replace(BELL, queue="elsewhere")]
    with pytest.raises(StoreUnavailable, match="nobody here listens"):
        broker.enqueue(message_for(replace(BELL, queue="elsewhere")))


def test_as_much_is_wanted_as_the_threads_can_begin(broker: MemoryBroker) -> None:
    assert broker.wanted(1_000) == 0, "nobody listens yet"
    consumer = broker.consume("default", prefetch=3, timeout=10)
    assert broker.wanted(1_000) == 3
    broker.ring([bell("a"), bell("b")])
    assert broker.wanted(1_000) == 1
    message = received(consumer)
    assert broker.wanted(1_000) == 1
    broker.ring([bell("c"), bell("d"), bell("e")])
    assert broker.wanted(1_000) == 0

    consumer.ack(message)
    assert broker.wanted(1_000) == 0
    broker.withdraw()
    broker.flush_all()
    assert broker.wanted(1_000) == 3 + 1, "as much as was done lately may wait"
    consumer.retire()
    assert broker.wanted(1_000) == 0


def test_a_bell_that_waits_too_long_is_withdrawn(broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = broker.consume("default", prefetch=1, timeout=10)
    broker.ring([bell("runs"), bell("waits")])
    message = received(consumer)
    assert broker.withdraw() == []

    monkeypatch.setattr("questline_scheduler.doorbells.memory_broker.PATIENCE_SECONDS", 0.0)
    assert broker.withdraw() == [bell("waits")]
    assert broker.withdraw() == []

    consumer.ack(message)
    broker.join("default", timeout=1)


def test_nobody_else_held_messages_of_this_process(broker: MemoryBroker) -> None:
    broker.ping()

    assert broker.requeue_dead(["w1", "w2"]) == 0


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


def test_a_memory_lives_in_its_process_and_holds_what_is_fetched_as_it_is_told(broker: MemoryBroker) -> None:
    assert broker.in_process
    assert broker.holder != MemoryBroker().holder

    broker.hold_as("a worker")

    assert broker.holder == "a worker"


def test_a_redis_url_connects_to_nothing_yet() -> None:
    broker = open_broker("redis://localhost:1", namespace="default")

    assert not broker.in_process
    assert broker.wanted(7) == 7
    assert broker.middleware == []


def test_users_of_memory_do_not_pay_for_the_redis_client() -> None:
    script = "from questline_scheduler.doorbells import open_broker; open_broker('memory://', namespace='n')"
    look = "import sys; assert 'redis' not in sys.modules"

    subprocess.run([sys.executable, "-c", f"{script}; {look}"], check=True)


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
