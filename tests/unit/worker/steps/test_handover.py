"""Places for what comes next, and the steps on their way to one; the rest is seen with real workers."""

from types import SimpleNamespace
from typing import Any

import pytest
from dramatiq.worker import _WorkQueueItem

from questline_scheduler.doorbells import FreeThreads, HandedMessage, message_for
from questline_scheduler.doorbells.memory_broker import MemoryConsumer
from questline_scheduler.doorbells.memory_queue import MemoryQueue
from questline_worker.steps import Handover, RunningStep, WorkQueue
from questline_worker.steps.handover import PLACES, TURN_SECONDS, TURN_STEPS
from questline_worker.steps.next_runner import NextRunner, who_runs_next
from tests.doorbells import bell
from tests.unit.worker.conftest import MakeClaim


class Hall:
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
def hall() -> Hall:
    return Hall(threads=1)


@pytest.fixture
def step(make_claim: MakeClaim) -> RunningStep:
    step = RunningStep(make_claim(), lambda _: True)
    step.streak = 1
    return step


def next_runner(handover: Handover, step: RunningStep, *, busy: bool = True) -> NextRunner:
    """Return who is to run what comes after a step that a worker's thread has run."""
    return who_runs_next(handover.situation(step, busy=busy, on_worker_thread=True))


def test_an_idle_thread_has_a_place_and_no_more_than_one(hall: Hall, step: RunningStep) -> None:
    assert hall.handover.reserve(step, NextRunner.FREE_THREAD) is not None
    assert hall.handover.reserve(step, NextRunner.FREE_THREAD) is None


def test_what_the_queue_is_to_run_has_no_place_here(hall: Hall, step: RunningStep) -> None:
    assert hall.handover.reserve(step, NextRunner.QUEUE) is None
    assert hall.consumer._held == 0


def test_a_process_that_may_not_claim_hands_nothing_over(hall: Hall, step: RunningStep) -> None:
    handover = Handover(lambda: False)
    handover.open(hall.thread)
    assert next_runner(handover, step) is NextRunner.QUEUE
    assert next_runner(handover, step, busy=False) is NextRunner.QUEUE


def test_a_place_that_was_not_given_away_is_free_again_whatever_happened(hall: Hall, step: RunningStep) -> None:
    place = hall.handover.reserve(step, NextRunner.FREE_THREAD)
    assert place is not None
    with pytest.raises(ValueError, match="x"), place:
        raise ValueError("x")
    assert hall.consumer._held == 0


def test_a_given_step_is_found_by_its_ids_once_and_its_place_is_free_when_its_message_is_done(
    hall: Hall, step: RunningStep
) -> None:
    place = hall.handover.reserve(step, NextRunner.FREE_THREAD)
    assert place is not None
    with place:
        place.give(step)
    assert hall.consumer._held == 1
    message = hall.next_message()
    assert isinstance(message, HandedMessage)
    assert message.kwargs == {"quest_id": "quest", "epoch": 0, "position": "0001"}
    assert hall.handover.take(**message.kwargs) is step
    assert hall.handover.take(**message.kwargs) is None
    hall.consumer.ack(message)
    assert hall.consumer._held == 0


def test_a_given_step_goes_before_what_came_from_the_broker(hall: Hall, make_claim: MakeClaim) -> None:
    hall.thread.work_queue.put(_WorkQueueItem(-1_000, message_for(bell("urgent"))))  # type: ignore[arg-type]
    for position in ("0001", "0002"):
        step = RunningStep(make_claim(position=position), lambda _: True)
        place = hall.handover.reserve(step, NextRunner.FREE_THREAD, in_turn=True)
        assert place is not None
        place.give(step)
        hall.thread.work_queue.put(_WorkQueueItem(0, message_for(bell("other"))))  # type: ignore[arg-type]
    order = [hall.next_message().kwargs["quest_id"] for _ in range(5)]
    assert order == ["quest", "quest", "urgent", "other", "other"]


def test_a_step_that_a_thread_keeps_comes_to_it_before_all_others(hall: Hall, step: RunningStep) -> None:
    place = hall.handover.reserve(step, NextRunner.THIS_THREAD)
    assert place is not None
    assert place.waited_for
    place.give(step)
    assert hall.thread.work_queue.queue == [], "another thread could get it"
    assert hall.thread.work_queue.get(timeout=1).message.kwargs["quest_id"] == "quest"


@pytest.mark.parametrize(
    ("streak", "spent", "has_turn"),
    [(1, 0.0, True), (TURN_STEPS - 1, 0.0, True), (TURN_STEPS, 0.0, False), (1, TURN_SECONDS, False)],
)
def test_where_others_wait_a_quest_has_a_place_for_its_turn_alone(
    hall: Hall, step: RunningStep, streak: int, spent: float, *, has_turn: bool
) -> None:
    hall.memory.put(bell("other"))
    step.streak, step.spent = streak, spent
    situation = hall.handover.situation(step, busy=True, on_worker_thread=True)
    assert situation.in_turn == has_turn
    place = hall.handover.reserve(step, NextRunner.THIS_THREAD, in_turn=situation.in_turn)
    assert (place is not None) == has_turn


def test_where_others_wait_and_nobody_works_the_broker_is_asked(hall: Hall, step: RunningStep) -> None:
    hall.memory.put(bell("other"))
    assert hall.handover.reserve(step, NextRunner.THIS_THREAD) is None


def test_a_message_that_waits_for_a_thread_leaves_no_idle_one(hall: Hall, step: RunningStep) -> None:
    assert next_runner(hall.handover, step, busy=False) is NextRunner.THIS_THREAD
    hall.thread.work_queue.put(_WorkQueueItem(0, message_for(bell("other"))))  # type: ignore[arg-type]
    assert next_runner(hall.handover, step, busy=False) is NextRunner.QUEUE


def test_steps_on_their_way_to_idle_threads_keep_none_from_the_next(make_claim: MakeClaim) -> None:
    hall = Hall(threads=3)
    for position in ("0001", "0002", "0003"):
        step = RunningStep(make_claim(position=position), lambda _: True)
        assert next_runner(hall.handover, step, busy=False) is NextRunner.THIS_THREAD
        place = hall.handover.reserve(step, NextRunner.FREE_THREAD)
        assert place is not None
        place.give(step)
    assert hall.handover.reserve(step, NextRunner.FREE_THREAD) is None


def test_a_step_for_which_no_thread_waits_takes_its_place_when_it_is_there(hall: Hall, step: RunningStep) -> None:
    hall.memory.put(bell("other"))
    assert next_runner(hall.handover, step) is NextRunner.NEXT_THREAD
    place = hall.handover.reserve(step, NextRunner.NEXT_THREAD)
    assert hall.consumer._held == 0
    assert place is not None
    assert not place.waited_for
    assert hall.handover.reserved(step.claim) is place
    assert place.after is step
    assert hall.handover.reserved(step.claim) is None
    place.give(step)
    assert hall.consumer._held == 1
    hall.consumer.ack(hall.next_message())
    assert hall.consumer._held == 0


def test_places_are_reserved_for_a_few_per_thread_and_then_for_others_again(make_claim: MakeClaim) -> None:
    hall = Hall(threads=2)
    steps = [RunningStep(make_claim(claim_id=f"claim-{number}"), lambda _: True) for number in range(2 * PLACES + 1)]
    for step in steps[:-1]:
        assert next_runner(hall.handover, step) is NextRunner.NEXT_THREAD
        assert hall.handover.reserve(step, NextRunner.NEXT_THREAD) is not None
    assert next_runner(hall.handover, steps[-1]) is NextRunner.THIS_THREAD
    assert hall.handover.reserved(steps[0].claim) is not None
    assert next_runner(hall.handover, steps[-1]) is NextRunner.NEXT_THREAD


@pytest.mark.parametrize(("streak", "spent"), [(TURN_STEPS, 0.0), (1, TURN_SECONDS)])
def test_no_place_is_reserved_for_a_quest_that_had_its_turn(
    hall: Hall, step: RunningStep, streak: int, spent: float
) -> None:
    step.streak, step.spent = streak, spent
    assert next_runner(hall.handover, step) is NextRunner.THIS_THREAD


def test_nothing_is_handed_over_where_no_thread_listens(hall: Hall, make_claim: MakeClaim, step: RunningStep) -> None:
    elsewhere = RunningStep(make_claim(queue="gpu"), lambda _: True)
    assert next_runner(hall.handover, elsewhere) is NextRunner.QUEUE
    assert hall.handover.reserve(elsewhere, NextRunner.NEXT_THREAD) is None
    hall.handover.close()
    assert next_runner(hall.handover, step) is NextRunner.QUEUE


def test_handed_steps_go_in_the_order_in_which_they_came(make_claim: MakeClaim) -> None:
    hall, positions = Hall(threads=1), [f"{number:04d}" for number in range(1, 10)]
    for position in positions:
        step = RunningStep(make_claim(position=position), lambda _: True)
        place = hall.handover.reserve(step, NextRunner.FREE_THREAD, in_turn=True)
        assert place is not None
        place.give(step)
    assert [hall.next_message().kwargs["position"] for _ in positions] == positions


def test_what_waits_for_a_thread_for_long_is_known(hall: Hall, step: RunningStep) -> None:
    place = hall.handover.reserve(step, NextRunner.FREE_THREAD, in_turn=True)
    assert place is not None
    place.give(step)
    assert hall.handover.waiting(60.0) == []
    step.begun -= 60.0
    assert hall.handover.waiting(60.0) == [("quest", 0, "0001")]
    hall.handover.take("quest", 0, "0001")
    assert hall.handover.waiting(60.0) == []


def test_no_queue_is_handed_to_that_is_not_listened_to_here(hall: Hall, make_claim: MakeClaim) -> None:
    elsewhere = RunningStep(make_claim(queue="gpu"), lambda _: True)
    assert hall.handover.reserve(elsewhere, NextRunner.THIS_THREAD, in_turn=True) is None


def test_nothing_is_handed_over_before_there_is_a_consumer_or_after_the_end(hall: Hall, step: RunningStep) -> None:
    hall.thread.consumer = None
    assert next_runner(hall.handover, step) is NextRunner.QUEUE
    assert hall.handover.reserve(step, NextRunner.THIS_THREAD, in_turn=True) is None
    hall.thread.consumer = hall.consumer
    hall.handover.close()
    assert next_runner(hall.handover, step) is NextRunner.QUEUE
    assert hall.consumer._held == 0
