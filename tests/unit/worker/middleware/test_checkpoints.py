"""What the middleware does when the store refuses, or goes away; the rest is seen with real workers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from questline_persistence.claims import Failed, Outcome, Snoozed, Succeeded
from questline_persistence.clock import uptime
from questline_persistence.errors import PayloadError, StoreUnavailable
from questline_persistence.log import fields_of
from questline_scheduler.doorbells import Ringer
from questline_worker.lords import ExecutionHooks
from questline_worker.middleware import Checkpoints
from questline_worker.steps import RunningSteps, running
from tests.contract.quests import LONG, Workbench
from tests.unit.scheduler.doorbells.brokers import HandBroker


class _Lease:
    """A lease that is always held."""

    registered = good = True
    leaving = False

    def beat(self) -> None:
        pass

    def wait_until_registered(self) -> bool:
        return self.registered


@dataclass
class Room:
    """A middleware on a real store, called as its actor would be."""

    bench: Workbench
    broker: HandBroker
    lease: _Lease
    checkpoints: Checkpoints
    running: RunningSteps

    def run(self, quest_id: str, outcome: Outcome | Callable[[Any], Outcome]) -> None:
        ticket = self.bench.ticket(quest_id)
        call = outcome if callable(outcome) else lambda _: outcome
        self.run_at(quest_id, ticket.epoch, ticket.position, call)

    def run_at(self, quest_id: str, epoch: int, position: str, call: Callable[[Any], Outcome]) -> None:
        self.checkpoints._pipeline.wake_up(call, quest_id, epoch, position)


@pytest.fixture
def room(bench: Workbench) -> Room:
    broker, lease, steps = HandBroker(), _Lease(), RunningSteps(bench.register)
    ringer = Ringer(broker, bench.bells)
    checkpoints = Checkpoints(bench.journal, bench.bells, ringer, lease, steps)  # type: ignore[arg-type]
    return Room(bench, broker, lease, checkpoints, steps)


def test_a_result_is_committed_and_the_next_step_is_rung(room: Room) -> None:
    quest_id = room.bench.submit("a", "b")
    room.run(quest_id, Succeeded('"one"'))
    assert room.bench.ticket(quest_id).position == "0002"
    assert room.broker.rung == [quest_id]
    assert room.running.all() == []


@pytest.mark.parametrize("outcome", [Succeeded("1"), Failed("broken", 0.0)])
def test_an_attempt_lasts_as_long_as_this_process_counts_whatever_the_database_s_clock_does(
    room: Room, outcome: Outcome
) -> None:
    quest_id = room.bench.submit("a", "b")

    def handler(_: object) -> Outcome:
        room.bench.clock.advance(-LONG)  # it was set back
        return outcome

    room.run(quest_id, handler)
    (run,) = room.bench.repository.runs(quest_id)
    assert run.duration_seconds is not None
    assert 0.0 <= run.duration_seconds < LONG


def test_a_snoozed_step_is_put_off_and_not_rung(room: Room) -> None:
    quest_id = room.bench.submit("a", "b")
    room.run(quest_id, Snoozed(60.0))
    ticket = room.bench.ticket(quest_id)
    assert (ticket.state, ticket.attempt, ticket.available_at) == ("ready", 0, room.bench.clock.now() + 60.0)
    assert room.broker.rung == []
    room.bench.clock.advance(60)
    room.run(quest_id, Snoozed(0.0))
    assert room.broker.rung == [quest_id]
    assert room.running.all() == []


def test_a_step_whose_claim_is_gone_before_its_thread_comes_to_it_is_not_begun(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    quest_id, begun = room.bench.submit("a"), list[Any]()
    step = room.running.begin(room.bench.claim(quest_id))
    monkeypatch.setattr(room.checkpoints._handover, "take", lambda *_: step)
    room.bench.controls.cancel(quest_id)
    step.lose()
    room.run_at(quest_id, 0, "0001", lambda given: begun.append(given) or Succeeded("1"))
    assert begun == []
    assert room.running.all() == []


def test_a_step_that_others_took_while_the_machine_was_suspended_is_not_begun(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    quest_id, begun = room.bench.submit("a"), list[Any]()
    step = room.running.begin(room.bench.claim(quest_id))
    monkeypatch.setattr(room.checkpoints._handover, "take", lambda *_: step)
    room.bench.controls.cancel(quest_id)
    monkeypatch.setattr(running, "uptime", lambda: uptime() + LONG)  # and no heartbeat yet
    room.run_at(quest_id, 0, "0001", lambda given: begun.append(given) or Succeeded("1"))
    assert begun == []
    assert room.running.all() == []


def test_a_suspect_whose_company_cannot_be_told_is_left_to_the_heartbeat(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailable("away")

    quest_id = room.bench.submit("a")
    room.bench.execute("UPDATE tickets SET lost = 1, company = 9")
    monkeypatch.setattr(room.checkpoints._company, "admits", lambda _: away())
    room.run(quest_id, Succeeded("never"))
    assert room.bench.ticket(quest_id).state == "running"
    assert room.running.all() == [], "it would be held for as long as this process lives"


def test_a_last_result_rings_nobody(room: Room) -> None:
    quest_id = room.bench.submit("a")
    room.run(quest_id, Succeeded("1"))
    assert room.bench.status(quest_id) == "completed"
    assert room.broker.rung == []


def test_a_broker_that_is_down_does_not_keep_a_result_from_being_committed(room: Room) -> None:
    quest_id = room.bench.submit("a", "b")
    room.broker.down = True
    room.run(quest_id, Succeeded("1"))
    assert room.bench.ticket(quest_id).position == "0002"


def test_a_failure_that_is_due_later_is_not_rung_now(room: Room) -> None:
    quest_id = room.bench.submit("a")
    room.run(quest_id, Failed("dry", 60.0))
    assert room.broker.rung == []
    assert room.bench.ticket(quest_id).attempt == 1


def test_a_failure_that_is_due_at_once_is_rung_now(room: Room) -> None:
    quest_id = room.bench.submit("a")
    room.run(quest_id, Failed("dry", 0.0))
    assert room.broker.rung == [quest_id]


def test_a_result_that_the_store_refuses_for_its_value_fails_the_quest(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise PayloadError("a NUL")

    quest_id = room.bench.submit("a")
    monkeypatch.setattr(room.bench.journal, "checkpoint", refuse)
    room.run(quest_id, Succeeded("1"))
    assert room.bench.status(quest_id) == "failed"


def test_a_result_that_the_store_refuses_for_any_reason_leaves_no_step_running(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    quest_id = room.bench.submit("a")
    monkeypatch.setattr(room.bench.journal, "checkpoint", refuse)
    room.run(quest_id, Succeeded("1"))
    ticket = room.bench.ticket(quest_id)
    assert (ticket.state, ticket.attempt) == ("ready", 1)


def test_a_store_that_is_away_for_good_ends_the_message_without_an_error(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise StoreUnavailable("away")

    quest_id = room.bench.submit("a")
    monkeypatch.setattr(room.bench.journal, "checkpoint", away)
    room.run(quest_id, Succeeded("1"))
    assert room.bench.ticket(quest_id).state == "running"
    assert room.running.all() == []


def test_a_fenced_result_changes_nothing_and_rings_nobody(room: Room) -> None:
    quest_id = room.bench.submit("a", "b")

    def overtaken(_: object) -> Outcome:
        room.bench.controls.cancel(quest_id)
        return Succeeded("late")

    room.run(quest_id, overtaken)
    assert room.bench.status(quest_id) == "cancelled"
    assert [run.status for run in room.bench.repository.runs(quest_id)] == ["cancelled"]
    assert room.broker.rung == []


def test_a_fenced_result_is_logged_with_its_ids_and_noted(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    quest_id = room.bench.submit("a")

    def overtaken(_: object) -> Outcome:
        room.bench.controls.cancel(quest_id)
        return Succeeded("late")

    room.run(quest_id, overtaken)
    (line,) = [fields_of(record) for record in caplog.records]
    assert (line["event"], line["quest_id"], line["position"]) == ("result_fenced", quest_id, "0001")
    assert (line["worker_id"], len(line["claim_id"])) == (room.bench.journal.worker_id, 32)
    assert (room.running.take_fenced(), room.running.take_fenced()) == (1, 0)


def test_a_result_in_time_is_not_noted_as_fenced(room: Room) -> None:
    room.run(room.bench.submit("a"), Succeeded("1"))
    assert room.running.take_fenced() == 0


def test_a_doorbell_for_a_lord_that_is_unknown_here_is_noted_and_left(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    quest_id = room.bench.submit("stranger")
    room.run(quest_id, Succeeded("never"))
    ticket = room.bench.ticket(quest_id)
    assert (ticket.state, ticket.refusals) == ("ready", 1)
    assert "lord_unknown" in caplog.text


def test_a_process_that_is_about_to_end_claims_nothing(room: Room) -> None:
    quest_id = room.bench.submit("a")
    room.lease.registered = False
    room.run(quest_id, Succeeded("never"))
    assert room.bench.ticket(quest_id).state == "ready"


def test_hooks_are_told_before_the_handler_and_before_the_commit(room: Room) -> None:
    told: list[str] = []
    quest_id = room.bench.submit("a", "b")
    room.checkpoints._pipeline._hooks = ExecutionHooks(
        on_step_start=lambda event: told.append(f"start {event.position}"),
        on_step_end=lambda _: told.append(f"end at {room.bench.ticket(quest_id).position}"),
    )
    room.run(quest_id, lambda _: told.append("handler") or Succeeded("1"))  # type: ignore[func-returns-value]
    assert told == ["start 0001", "handler", "end at 0001"]


def test_what_still_runs_at_shutdown_is_given_back_and_told_to_stop(room: Room) -> None:
    nobody: Any = None
    quest_id = room.bench.submit("a", "b")
    claim = room.bench.claim(quest_id)
    with room.running.holding(claim) as step:
        room.checkpoints.after_worker_shutdown(nobody, nobody)
        assert step.lost
    ticket = room.bench.ticket(quest_id)
    assert (ticket.state, ticket.attempt, ticket.lost) == ("ready", 0, 0)
    assert room.broker.rung == [quest_id]


def test_a_store_that_is_away_at_shutdown_is_left_to_the_sweep(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> None:
        raise StoreUnavailable("away")

    nobody: Any = None
    claims = [room.bench.claim(room.bench.submit("a")) for _ in range(2)]
    monkeypatch.setattr(room.bench.journal, "release", away)
    with room.running.holding(claims[0]), room.running.holding(claims[1]):
        room.checkpoints.after_worker_shutdown(nobody, nobody)
    assert room.broker.rung == []
