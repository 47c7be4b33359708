"""Steps that are claimed and wait for a thread in vain, on a real store."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from dramatiq.worker import _WorkQueueItem

from questline_persistence.claims import Settled
from questline_persistence.models import LordStep
from questline_scheduler.doorbells import PATIENCE_SECONDS, FreeThreads, message_for
from questline_scheduler.doorbells.memory_broker import MemoryConsumer
from questline_scheduler.doorbells.memory_queue import MemoryQueue
from questline_worker.steps import GivingBack, Handover, RunningSteps, WorkQueue
from questline_worker.steps.next_runner import NextRunner
from tests.contract.quests import Workbench
from tests.doorbells import bell


@dataclass
class Hall:
    """Claimed steps that wait, and who gives them back."""

    bench: Workbench
    running: RunningSteps
    handover: Handover
    giving_back: GivingBack
    rung: list[Sequence[Settled]]
    thread: Any

    def wait(self, step: str | LordStep = "a") -> str:
        """Have a step wait for a thread; return its quest."""
        quest_id = self.bench.submit(step)
        claimed = self.running.begin(self.bench.claim(quest_id))
        place = self.handover.reserve(claimed, NextRunner.FREE_THREAD, in_turn=True)
        assert place is not None
        place.give(claimed)
        return quest_id

    def told(self) -> list[list[str]]:
        """Return the quests that were rung for, of each time."""
        return [[end.doorbell.quest_id for end in ends if end.doorbell] for ends in self.rung]

    def age(self, seconds: float) -> None:
        for step in self.running.all():
            step.begun -= seconds


@pytest.fixture
def hall(bench: Workbench) -> Hall:
    running, handover, rung = RunningSteps(bench.register), Handover(), list[Sequence[Settled]]()
    thread: Any = SimpleNamespace(
        queue_name="default",
        consumer=MemoryConsumer(MemoryQueue(), 1, 0.01, FreeThreads()),
        work_queue=WorkQueue(),
        requeue_messages=len,
    )
    handover.open(thread)
    return Hall(bench, running, handover, GivingBack(bench.journal, running, handover, rung.append), rung, thread)


def test_a_step_that_waited_too_long_is_ready_for_others_and_no_attempt_is_spent(hall: Hall) -> None:
    late = hall.wait()
    hall.age(PATIENCE_SECONDS)
    fresh = hall.wait()

    hall.giving_back.run_once()

    ticket = hall.bench.ticket(late)
    assert (ticket.state, ticket.attempt, ticket.lost) == ("ready", 0, 0)
    assert hall.told() == [[late]]
    assert hall.bench.ticket(fresh).state == "running"
    assert [step.claim.quest_id for step in hall.running.all()] == [fresh]


def test_a_step_that_a_thread_has_begun_is_not_taken_away(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    quest_id = hall.wait()
    hall.age(PATIENCE_SECONDS)
    waiting = hall.handover.waiting

    def begun_just_now(seconds: float) -> Any:
        found = waiting(seconds)
        assert hall.handover.take(*found[0]) is not None
        return found

    monkeypatch.setattr(hall.handover, "waiting", begun_just_now)
    hall.giving_back.run_once()

    assert hall.bench.ticket(quest_id).state == "running"
    assert hall.rung == []
    assert len(hall.running) == 1


def test_many_that_waited_too_long_are_rung_for_together(hall: Hall) -> None:
    late = [hall.wait() for _ in range(10)]
    hall.age(PATIENCE_SECONDS)

    hall.giving_back.run_once()

    assert hall.told() == [late]
    assert {hall.bench.ticket(quest_id).state for quest_id in late} == {"ready"}


def test_a_step_of_little_time_waits_for_half_of_it_at_most(hall: Hall) -> None:
    brief = hall.wait(LordStep("a", "work", timeout_seconds=PATIENCE_SECONDS))
    hall.wait()
    hall.age(PATIENCE_SECONDS / 2)

    hall.giving_back.run_once()

    assert hall.told() == [[brief]]


def test_messages_behind_steps_that_waited_too_long_go_back_to_their_broker(hall: Hall) -> None:
    returned: list[Any] = []
    hall.thread.requeue_messages = returned.extend
    hall.wait()
    fetched = message_for(bell("fetched"))
    hall.thread.work_queue.put(_WorkQueueItem(0, fetched))  # type: ignore[arg-type]

    hall.giving_back.run_once()
    assert returned == [], "nothing has waited for long"

    hall.age(PATIENCE_SECONDS)
    hall.giving_back.run_once()
    assert returned == [fetched]
    assert hall.thread.work_queue.qsize() == 1, "the handed step's message is no longer there, or another one is"


def test_a_message_that_waited_too_long_goes_back_though_no_handed_step_waits(hall: Hall) -> None:
    returned: list[Any] = []
    hall.thread.requeue_messages = returned.extend
    late, fresh = message_for(bell("late")), message_for(bell("fresh"))
    long_ago = time.monotonic_ns() - int(PATIENCE_SECONDS * 1e9)
    hall.thread.work_queue.put(_WorkQueueItem(0, late, long_ago))  # type: ignore[arg-type]
    hall.thread.work_queue.put(_WorkQueueItem(0, fresh))  # type: ignore[arg-type]

    hall.giving_back.run_once()

    assert returned == [late]
    assert hall.thread.work_queue.qsize() == 1


def test_a_consumer_that_begins_after_the_stop_is_retired_too(hall: Hall) -> None:
    hall.handover.close()
    threads = FreeThreads()
    late = hall.thread.consumer = MemoryConsumer(MemoryQueue(), 1, 0.01, threads)
    threads.share("default", late, 1)
    assert late._take_place()
    late._free_place()

    hall.giving_back.run_once()

    assert not late._take_place()
