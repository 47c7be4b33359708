"""Seats for what comes next, and the steps on their way to one; the rest is seen with real workers."""

from types import SimpleNamespace
from typing import Any

import pytest
from dramatiq.worker import _WorkQueueItem

from questline_scheduler.doorbells import FreeThreads, HandedMessage, message_for
from questline_scheduler.doorbells.memory_broker import MemoryConsumer
from questline_scheduler.doorbells.memory_queue import MemoryQueue
from questline_worker.steps import Handover, RunningStep, WorkQueue
from questline_worker.steps.handover import PROMISES, TURN_SECONDS, TURN_STEPS
from tests.doorbells import bell
from tests.unit.worker.conftest import MakeClaim


class Place:
    """A queue's consumer for so many threads, and what its thread puts into Dramatiq's work queue."""

    def __init__(self, threads: int) -> None:
        self.memory = MemoryQueue()
        self.free_threads = FreeThreads()
        self.consumer = MemoryConsumer(self.memory, threads, 0.01, self.free_threads)
        self.free_threads.share("default", self.consumer, threads)
        self.thread: Any = SimpleNamespace(
            queue_name="default", consumer=self.consumer, work_queue=WorkQueue(), prefetch=threads
        )
        self.handover = Handover()
        self.handover.open(self.thread)

    def next_message(self) -> Any:
        return self.thread.work_queue.get_nowait().message


@pytest.fixture
def place() -> Place:
    return Place(threads=1)


@pytest.fixture
def step(make_claim: MakeClaim) -> RunningStep:
    step = RunningStep(make_claim(), lambda _: True)
    step.streak = 1
    return step


def test_an_idle_thread_has_a_seat_and_no_more_than_one(place: Place, step: RunningStep) -> None:
    assert place.handover.seat(step, own=False) is not None
    assert place.handover.seat(step, own=False) is None


def test_a_process_that_may_not_claim_hands_nothing_over(place: Place, step: RunningStep) -> None:
    handover = Handover(lambda: False)
    handover.open(place.thread)
    assert handover.seat(step, own=False) is None
    assert not handover.promise(step)


def test_a_seat_that_was_not_given_away_is_free_again_whatever_happened(place: Place, step: RunningStep) -> None:
    seat = place.handover.seat(step, own=False)
    assert seat is not None
    with pytest.raises(ValueError, match="x"), seat:
        raise ValueError("x")
    assert place.consumer._held == 0


def test_a_given_step_is_found_by_its_ids_once_and_its_seat_is_free_when_its_message_is_done(
    place: Place, step: RunningStep
) -> None:
    seat = place.handover.seat(step, own=False)
    assert seat is not None
    with seat:
        seat.give(step)
    assert place.consumer._held == 1
    message = place.next_message()
    assert isinstance(message, HandedMessage)
    assert message.kwargs == {"quest_id": "quest", "epoch": 0, "position": "0001"}
    assert place.handover.take(**message.kwargs) is step
    assert place.handover.take(**message.kwargs) is None
    place.consumer.ack(message)
    assert place.consumer._held == 0


def test_a_given_step_goes_before_what_came_from_the_broker(place: Place, make_claim: MakeClaim) -> None:
    place.thread.work_queue.put(_WorkQueueItem(-1_000, message_for(bell("urgent"))))  # type: ignore[arg-type]
    for position in ("0001", "0002"):
        step = RunningStep(make_claim(position=position), lambda _: True)
        step.streak = 1
        seat = place.handover.seat(step, own=True)
        assert seat is not None
        seat.give(step)
        place.thread.work_queue.put(_WorkQueueItem(0, message_for(bell("other"))))  # type: ignore[arg-type]
    order = [place.next_message().kwargs["quest_id"] for _ in range(5)]
    assert order == ["quest", "quest", "urgent", "other", "other"]


@pytest.mark.parametrize(
    ("streak", "spent", "seated"),
    [(1, 0.0, True), (TURN_STEPS - 1, 0.0, True), (TURN_STEPS, 0.0, False), (1, TURN_SECONDS, False)],
)
def test_where_others_wait_a_quest_has_a_seat_for_its_turn_alone(
    place: Place, step: RunningStep, streak: int, spent: float, *, seated: bool
) -> None:
    place.memory.put(bell("other"))
    step.streak, step.spent = streak, spent
    assert (place.handover.seat(step, own=True) is not None) == seated


def test_where_others_wait_and_nobody_works_the_broker_is_asked(place: Place, step: RunningStep) -> None:
    place.memory.put(bell("other"))
    assert place.handover.seat(step, own=False) is None


def test_a_message_that_waits_for_a_thread_leaves_no_idle_one(place: Place, step: RunningStep) -> None:
    place.thread.work_queue.put(_WorkQueueItem(0, message_for(bell("other"))))  # type: ignore[arg-type]
    assert place.handover.seat(step, own=False) is None


def test_steps_on_their_way_to_idle_threads_keep_none_from_the_next(make_claim: MakeClaim) -> None:
    place = Place(threads=3)
    for position in ("0001", "0002", "0003"):
        step = RunningStep(make_claim(position=position), lambda _: True)
        seat = place.handover.seat(step, own=False)
        assert seat is not None
        seat.give(step)
    assert place.handover.seat(step, own=False) is None


def test_a_step_for_which_no_thread_waits_takes_its_place_when_it_is_there(place: Place, step: RunningStep) -> None:
    place.memory.put(bell("other"))
    assert place.handover.promise(step)
    assert place.consumer._held == 0
    seat = place.handover.promised(step.claim)
    assert seat is not None
    assert seat.after is step
    assert place.handover.promised(step.claim) is None
    seat.give(step)
    assert place.consumer._held == 1
    place.consumer.ack(place.next_message())
    assert place.consumer._held == 0


def test_places_are_promised_to_a_few_per_thread_and_then_to_others_again(make_claim: MakeClaim) -> None:
    place = Place(threads=2)
    steps = [RunningStep(make_claim(claim_id=f"claim-{number}"), lambda _: True) for number in range(2 * PROMISES + 1)]
    assert [place.handover.promise(step) for step in steps] == [*[True] * 2 * PROMISES, False]
    assert place.handover.promised(steps[0].claim) is not None
    assert place.handover.promise(steps[-1])


@pytest.mark.parametrize(("streak", "spent"), [(TURN_STEPS, 0.0), (1, TURN_SECONDS)])
def test_a_quest_that_had_its_turn_is_promised_nothing(
    place: Place, step: RunningStep, streak: int, spent: float
) -> None:
    step.streak, step.spent = streak, spent
    assert not place.handover.promise(step)


def test_nothing_is_promised_where_no_thread_listens(place: Place, make_claim: MakeClaim, step: RunningStep) -> None:
    assert not place.handover.promise(RunningStep(make_claim(queue="gpu"), lambda _: True))
    place.handover.close()
    assert not place.handover.promise(step)


def test_handed_steps_go_in_the_order_in_which_they_came(make_claim: MakeClaim) -> None:
    place, positions = Place(threads=1), [f"{number:04d}" for number in range(1, 10)]
    for position in positions:
        step = RunningStep(make_claim(position=position), lambda _: True)
        seat = place.handover.seat(step, own=True)
        assert seat is not None
        seat.give(step)
    assert [place.next_message().kwargs["position"] for _ in positions] == positions


def test_what_waits_for_a_thread_for_long_is_known(place: Place, step: RunningStep) -> None:
    seat = place.handover.seat(step, own=True)
    assert seat is not None
    seat.give(step)
    assert place.handover.waiting(60.0) == []
    step.begun -= 60.0
    assert place.handover.waiting(60.0) == [("quest", 0, "0001")]
    place.handover.take("quest", 0, "0001")
    assert place.handover.waiting(60.0) == []


def test_no_queue_is_handed_to_that_is_not_listened_to_here(place: Place, make_claim: MakeClaim) -> None:
    assert place.handover.seat(RunningStep(make_claim(queue="gpu"), lambda _: True), own=True) is None


def test_nothing_is_handed_over_before_there_is_a_consumer_or_after_the_end(place: Place, step: RunningStep) -> None:
    place.thread.consumer = None
    assert place.handover.seat(step, own=True) is None
    place.thread.consumer = place.consumer
    place.handover.close()
    assert place.handover.seat(step, own=True) is None
    assert place.consumer._held == 0
