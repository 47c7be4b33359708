"""How a consumer counts its places, on a queue that is told what to say; the rest is seen with a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from questline_scheduler.doorbells import FreeThreads, HandedMessage, bell_id, message_for
from questline_scheduler.doorbells.redis_consumer import RedisConsumer
from questline_scheduler.doorbells.redis_queue import NO_ID
from tests.doorbells import bell
from tests.waiting import eventually


class Queue:
    """A queue of Redis, without Redis: a test says what it has, and hears what it was asked."""

    def __init__(self) -> None:
        self.ready: list[bytes] = []
        self.fetches: list[int] = []
        self.listens = 0
        self.rung = threading.Event()
        self.token, self.down = NO_ID, False
        self.told: list[bytes] = []
        self.passed_on: list[bytes] = []

    def fetch(self, worker_id: str, wanted: int, done: Any, told: list[bytes]) -> list[bytes]:  # noqa: ARG002  (as the real one's)
        if self.down:
            raise redis.ConnectionError
        self.fetches.append(wanted)
        self.told += told
        found, self.ready = self.ready[:wanted], self.ready[wanted:]
        return found

    def listen(self, seconds: float) -> bytes | None:  # noqa: ARG002  (as above)
        self.listens += 1
        return self.token if self.rung.wait(30) else None

    def pass_on(self, token: bytes) -> None:
        self.passed_on.append(token)

    def reclaim(self, worker_id: str, kept: Any) -> None:
        """Take back what the worker has not."""


class Room:
    def __init__(self, prefetch: int) -> None:
        self.queue, self.dropped = Queue(), 0
        queue: Any = self.queue
        self.threads, self.name = FreeThreads(), "worker"
        self.consumer = self.listen_to("default", queue, prefetch)

    def listen_to(self, name: str, queue: Any, prefetch: int) -> RedisConsumer:
        consumer = RedisConsumer(
            queue,
            name,
            lambda: self.name,
            prefetch=prefetch,
            timeout=0.01,
            free_threads=self.threads,
            on_drop=lambda: None,
        )
        self.threads.share(name, consumer, prefetch)
        return consumer

    def ring(self, *quest_ids: str) -> None:
        self.queue.ready += [bell_id(bell(quest_id)).encode() for quest_id in quest_ids]


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room(prefetch=2)
    yield room
    room.queue.rung.set()


@pytest.fixture
def listening(room: Room) -> Room:
    """A consumer whose queue is empty, and that waits for a bell in a thread of its own."""
    threading.Thread(target=room.consumer.__next__, daemon=True).start()
    eventually(lambda: room.consumer._listening)
    return room


def test_a_consumer_that_listens_has_places_for_as_many_as_there_are_threads(listening: Room) -> None:
    reserve = listening.consumer.reserve
    assert [reserve(own=False) for _ in range(3)] == [True, True, False]
    listening.consumer.free()
    assert reserve(own=False)


def test_a_consumer_that_does_not_listen_has_the_caller_s_own_place_alone(room: Room) -> None:
    assert not room.consumer.reserve(own=False)
    assert room.consumer.reserve(own=True)
    assert room.consumer._reserved == 1


def test_a_consumer_that_is_closed_has_no_place(listening: Room) -> None:
    listening.consumer.close()
    assert not listening.consumer.reserve(own=False)
    assert not listening.consumer.reserve(own=True)
    assert listening.consumer._reserved == 0


def test_a_worker_that_was_taken_for_dead_gives_back_what_its_old_name_holds_and_goes_on_under_the_new(
    room: Room,
) -> None:
    told = list[tuple[str, str]]()
    fetch = room.queue.fetch

    def noted(worker_id: str, *rest: Any) -> list[bytes]:
        told.append(("fetch", worker_id))
        return fetch(worker_id, *rest)

    room.queue.fetch = noted  # type: ignore[method-assign]
    room.queue.reclaim = lambda worker_id, _kept=(): told.append(("reclaim", worker_id))  # type: ignore[method-assign]
    room.ring("one", "two", "three")
    message = next(room.consumer)
    assert message is not None
    room.name = "new"
    assert next(room.consumer) is not None
    room.consumer.ack(message)
    assert next(room.consumer) is not None
    assert told == [("fetch", "worker"), ("reclaim", "worker"), ("fetch", "new")]


def test_while_another_queue_has_all_threads_a_token_is_passed_on(listening: Room) -> None:
    other = listening.listen_to("other", Queue(), 2)
    assert other.reserve(own=True)
    assert other.reserve(own=True)
    listening.queue.token = b"one:0:0001:1"
    listening.queue.rung.set()
    eventually(lambda: listening.queue.passed_on == [b"one:0:0001:1"])


def test_what_is_reserved_is_not_fetched_for(room: Room) -> None:
    room.ring("one", "two", "three")
    room.consumer.reserve(own=True)
    message = next(room.consumer)
    assert message is not None
    assert room.queue.fetches == [1]
    assert next(room.consumer) is None
    assert room.queue.fetches == [1], "there is no place left"
    room.consumer.free()
    assert next(room.consumer) is not None


@pytest.mark.parametrize("end", ["ack", "nack", "requeue"])
def test_a_handed_message_frees_its_place_however_it_ends_and_the_broker_hears_nothing(room: Room, end: str) -> None:
    consumer = room.consumer
    consumer.reserve(own=True)
    message = HandedMessage(message_for(bell("one")), consumer.free)
    ends: dict[str, Callable[[], None]] = {
        "ack": lambda: consumer.ack(message),
        "nack": lambda: consumer.nack(message),
        "requeue": lambda: consumer.requeue([message]),
    }
    ends[end]()
    assert (consumer._reserved, consumer._held, consumer._done, room.queue.fetches) == (0, set(), [], [])


def test_a_place_that_is_taken_before_the_fetch_does_not_make_the_queue_look_empty(room: Room) -> None:
    """Else the consumer would listen, maybe for a second, and steps be handed over as if nobody waited."""
    room.ring("one", "two")
    places = room.consumer._await_places

    def overtaken() -> int:
        found = places()
        room.consumer.reserve(own=True)
        room.consumer.reserve(own=True)
        return found

    room.consumer._await_places = overtaken  # type: ignore[method-assign]
    assert next(room.consumer) is None
    assert room.queue.listens == 0
    room.consumer._await_places = places  # type: ignore[method-assign]
    room.consumer.free()
    assert next(room.consumer) is not None


def _token(room: Room, quest_id: str) -> bytes:
    """Let a token of a bell come; return the bell's id."""
    room.queue.token = bell_id(bell(quest_id)).encode()
    room.queue.rung.set()
    return room.queue.token


def test_the_bell_of_which_a_token_tells_is_there_without_being_fetched_and_the_broker_hears_of_it(room: Room) -> None:
    name = _token(room, "one")
    message = next(room.consumer)
    assert message is not None
    assert message.message_id.encode() == name
    assert (room.queue.fetches, room.queue.told) == ([2], [])
    room.queue.rung.clear()
    threading.Thread(target=room.consumer.__next__, daemon=True).start()
    eventually(lambda: room.queue.told == [name])


def test_a_taken_bell_is_told_at_once_where_no_place_is_left_to_fetch_for(room: Room) -> None:
    room.consumer.reserve(own=True)
    name = _token(room, "one")
    assert next(room.consumer) is not None
    assert next(room.consumer) is None
    assert (room.queue.fetches, room.queue.told) == ([1, 0], [name])


@pytest.mark.parametrize("token", [NO_ID, b"one:0:0001:1"])
def test_a_bell_that_comes_when_all_places_are_taken_stays_for_whoever_has_one(listening: Room, token: bytes) -> None:
    assert listening.consumer.reserve(own=False)
    assert listening.consumer.reserve(own=False)
    fetches = list(listening.queue.fetches)
    listening.queue.token = token
    listening.queue.rung.set()
    eventually(lambda: listening.queue.passed_on == [token])
    assert next(listening.consumer) is None
    assert (listening.consumer._held, listening.queue.told, listening.queue.fetches) == (set(), [], fetches)


def test_a_consumer_that_took_the_only_bell_knows_its_queue_to_be_empty(room: Room) -> None:
    _token(room, "one")
    assert next(room.consumer) is not None
    assert room.consumer.reserve(own=False)
    assert not room.consumer.reserve(own=False), "the prefetch is two"


def test_what_the_broker_could_not_be_told_is_told_again(room: Room) -> None:
    name = _token(room, "one")
    assert next(room.consumer) is not None
    room.queue.down = True
    assert next(room.consumer) is None
    room.queue.down = False
    room.queue.rung.clear()
    threading.Thread(target=room.consumer.__next__, daemon=True).start()
    eventually(lambda: room.queue.told == [name])


def test_an_ack_that_comes_before_the_consumer_listens_is_told_first_and_wakes_nobody(room: Room) -> None:
    room.ring("one")
    message = next(room.consumer)
    assert message is not None
    fetch = room.queue.fetch

    def overtaken(worker_id: str, wanted: int, done: Any, told: list[bytes]) -> list[bytes]:
        found = fetch(worker_id, wanted, done, told)
        room.queue.fetch = fetch  # type: ignore[method-assign]
        room.consumer.ack(message)
        room.consumer.reserve(own=True)
        room.consumer.reserve(own=True)
        return found

    room.queue.fetch = overtaken  # type: ignore[method-assign]
    assert next(room.consumer) is None
    assert (room.queue.listens, room.queue.passed_on) == (0, [])
    room.consumer.free()
    room.ring("two")
    assert next(room.consumer) is not None
    assert room.consumer._done == []


def test_a_consumer_that_is_retired_fetches_nothing_and_passes_a_token_on(listening: Room) -> None:
    listening.consumer.retire()
    listening.ring("one")
    listening.queue.rung.set()
    eventually(lambda: listening.queue.passed_on)
    assert next(listening.consumer) is None
    assert listening.queue.ready == [bell_id(bell("one")).encode()]


def test_a_consumer_that_is_retired_tells_at_once_what_is_done(room: Room) -> None:
    room.ring("one", "two")
    message = next(room.consumer)
    assert message is not None
    room.consumer.retire()
    room.consumer.ack(message)
    assert room.queue.fetches == [2, 0]
    assert room.consumer._done == []


def test_an_ack_does_not_wait_for_another_one_that_is_on_its_way(room: Room) -> None:
    room.ring("one", "two")
    one, two = next(room.consumer), next(room.consumer)
    assert one is not None
    assert two is not None
    sent, answer, fetch = threading.Event(), threading.Event(), room.queue.fetch

    def stalled(*arguments: Any) -> list[bytes]:
        sent.set()
        assert answer.wait(30)
        return fetch(*arguments)

    room.queue.fetch = stalled  # type: ignore[method-assign]
    room.consumer.retire()  # so that an ack is told at once
    first = threading.Thread(target=room.consumer.ack, args=(one,))
    first.start()
    assert sent.wait(30)
    room.consumer.ack(two)
    answer.set()
    first.join(30)
    assert room.consumer._done == [two.message_id.encode()], "it is told with the next fetch"


def test_messages_that_could_not_be_given_back_are_given_back_with_the_next_fetch(room: Room) -> None:
    room.ring("one")
    message = next(room.consumer)
    reclaimed = list[list[bytes]]()

    def reclaim(_: str, kept: list[bytes]) -> None:
        if room.queue.down:
            raise redis.ConnectionError
        reclaimed.append(kept)

    room.queue.reclaim = reclaim  # type: ignore[method-assign]
    room.queue.down = True
    assert message is not None
    room.consumer.requeue([message])
    room.queue.down = False
    room.ring("two")
    assert next(room.consumer) is not None
    assert reclaimed == [[]]


def test_what_goes_back_while_a_fetch_is_under_way_is_still_to_be_told_if_that_fails(room: Room) -> None:
    room.ring("a")
    message = next(room.consumer)
    assert message is not None
    fetch, asked, reply = room.queue.fetch, threading.Event(), threading.Event()

    def slow(*arguments: Any) -> list[bytes]:
        asked.set()
        assert reply.wait(30)
        return fetch(*arguments)

    def fail(*_: Any) -> None:
        raise redis.ConnectionError

    room.queue.fetch = slow  # type: ignore[method-assign]
    room.queue.reclaim = fail  # type: ignore[method-assign]
    threading.Thread(target=room.consumer.__next__, daemon=True).start()
    assert asked.wait(30)
    giving = threading.Thread(target=room.consumer.requeue, args=([message],))
    giving.start()
    eventually(lambda: not room.consumer._held)
    reply.set()
    giving.join(30)
    assert room.consumer._doubtful, "the broker holds what nobody here has, and is not asked to take it back"
