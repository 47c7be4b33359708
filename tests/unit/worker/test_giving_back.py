"""Steps that are claimed and wait for a thread in vain, on a real store."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from questline_persistence.claims import Settled
from questline_scheduler.memory_broker import MemoryConsumer
from questline_scheduler.memory_queue import MemoryQueue
from questline_worker.giving_back import PATIENCE_SECONDS, GivingBack
from questline_worker.handover import Handover
from questline_worker.running import RunningSteps
from questline_worker.work_queue import WorkQueue
from tests.contract.quests import Workbench


@dataclass
class Hall:
    """Claimed steps that wait, and who gives them back."""

    bench: Workbench
    running: RunningSteps
    handover: Handover
    giving_back: GivingBack
    rung: list[Settled]

    def wait(self) -> str:
        """Have a step wait for a thread; return its quest."""
        quest_id = self.bench.submit("a")
        step = self.running.begin(self.bench.claim(quest_id))
        seat = self.handover.seat(step, its_turn=True)
        assert seat is not None
        seat.give(step)
        return quest_id

    def age(self, seconds: float) -> None:
        for step in self.running.all():
            step.begun -= seconds


@pytest.fixture
def hall(bench: Workbench) -> Hall:
    running, handover, rung = RunningSteps(bench.register), Handover(), list[Settled]()
    thread: Any = SimpleNamespace(
        queue_name="default", consumer=MemoryConsumer(MemoryQueue(), 1, 0.01), work_queue=WorkQueue()
    )
    handover.open(thread)
    return Hall(bench, running, handover, GivingBack(bench.journal, running, handover, rung.extend), rung)


def test_a_step_that_waited_too_long_is_ready_for_others_and_no_attempt_is_spent(hall: Hall) -> None:
    late = hall.wait()
    hall.age(PATIENCE_SECONDS)
    fresh = hall.wait()

    hall.giving_back.run_once()

    ticket = hall.bench.ticket(late)
    assert (ticket.state, ticket.attempt, ticket.lost) == ("ready", 0, 0)
    assert [end.doorbell.quest_id for end in hall.rung if end.doorbell] == [late]
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
