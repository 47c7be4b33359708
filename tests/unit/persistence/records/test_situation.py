"""Why a quest is where it is."""

from dataclasses import replace
from typing import Any

import pytest

from questline_persistence.models import LordStep, QuestExecutionData, StepView
from questline_persistence.records import Cause, TicketView, situation_of
from questline_persistence.recovery import WorkerView
from questline_persistence.states import ExecutionStatus, StepStatus, TicketState, WorkerState

NOW = 1_000_000.0
TICKET = TicketView(
    position="0001",
    handler="herald:greet",
    state=TicketState.READY,
    attempt=0,
    lost=0,
    company=0,
    available_at=NOW - 1,
    queue="default",
    worker_id=None,
    claimed_at=None,
    deadline=None,
    snoozed_until=None,
)
RUNNING = replace(TICKET, state=TicketState.RUNNING, worker_id="w1", claimed_at=NOW - 12, deadline=NOW + 60)
WORKER = WorkerView(
    worker_id="w1",
    namespace="default",
    process_id="p1",
    host="castle",
    pid=7,
    state=WorkerState.LIVE,
    started_at=NOW - 60,
    lease_until=NOW + 10,
    heartbeat_at=NOW - 1,
    ended_at=None,
    queues=("default",),
    handlers=("herald:greet",),
    threads=8,
    code_version="",
    holding=0,
)


def quest(status: str = "running", **fields: Any) -> QuestExecutionData:
    return QuestExecutionData(
        quest_id="alpha",
        quest_type="x",
        execution_stack=[LordStep("herald", "greet")],
        status=ExecutionStatus(status),
        **fields,
    )


@pytest.mark.parametrize(
    ("ticket", "workers", "cause", "said"),
    [
        (TICKET, [], Cause.NO_WORKER, "no worker is alive"),
        (TICKET, [replace(WORKER, state=WorkerState.LOST)], Cause.NO_WORKER, "no worker is alive"),
        (TICKET, [replace(WORKER, handlers=())], Cause.LORD_UNKNOWN, "no live worker knows herald:greet"),
        (TICKET, [replace(WORKER, queues=("slow",))], Cause.QUEUE_UNHEARD, "listens to queue default"),
        (
            replace(TICKET, available_at=NOW + 90, attempt=1),
            [WORKER],
            Cause.BACK_OFF,
            "attempt 2 of step 0001 waits until 1970-01-12 13:48:10 UTC",
        ),
        (replace(TICKET, available_at=NOW + 90), [], Cause.BACK_OFF, "(in 1 m 30 s)"),
        (
            replace(TICKET, available_at=NOW + 90, snoozed_until=NOW + 90),
            [WORKER],
            Cause.SNOOZED,
            "step 0001 is snoozed until 1970-01-12 13:48:10 UTC (in 1 m 30 s)",
        ),
        (replace(TICKET, available_at=NOW + 90, snoozed_until=NOW - 90), [], Cause.BACK_OFF, "waits until"),
        (
            RUNNING,
            [replace(WORKER, state=WorkerState.LOST)],
            Cause.WORKER_LOST,
            "was running on castle (pid 7) on a worker that is",
        ),
        (RUNNING, [], Cause.WORKER_LOST, "step 0001 was running on a worker that is lost"),
        (
            replace(RUNNING, deadline=NOW - 1),
            [WORKER],
            Cause.PAST_DEADLINE,
            "has run longer than its time-out on castle (pid 7)",
        ),
    ],
)
def test_a_quest_that_does_not_move_says_why(
    ticket: TicketView, workers: list[WorkerView], cause: Cause, said: str
) -> None:
    found = situation_of(quest(), [ticket], workers, NOW)

    assert (found.cause, found.well) == (cause, False)
    assert said in found.message


@pytest.mark.parametrize("wait", [-1, 5])
@pytest.mark.parametrize(("company", "said"), [(9, "with few others beside it"), (1, "alone in its process")])
def test_a_step_whose_worker_died_is_told_to_be_suspected(wait: int, company: int, said: str) -> None:
    ticket = replace(TICKET, lost=1, company=company, available_at=NOW + wait)
    message = situation_of(quest(), [ticket], [WORKER], NOW).message
    assert f"; a worker died while it ran, so next it begins {said}" in message


@pytest.mark.parametrize(
    ("status", "tickets", "cause", "said"),
    [
        ("running", [TICKET], Cause.QUEUED, "step 0001 is ready, and the next in queue default"),
        ("running", [RUNNING], Cause.RUNNING, "step 0001 has been running on castle (pid 7) for 12.0 s"),
        ("completed", [], Cause.ENDED, "it is completed"),
        ("failed", [], Cause.ENDED, "it has failed"),
        ("cancelled", [], Cause.ENDED, "it was cancelled: lunch"),
    ],
)
def test_a_quest_that_moves_or_has_ended_says_so(
    status: str, tickets: list[TicketView], cause: Cause, said: str
) -> None:
    found = situation_of(quest(status, reason="lunch"), tickets, [WORKER], NOW)

    assert (found.cause, found.well, found.message) == (cause, True, said)


@pytest.mark.parametrize(("ahead", "said"), [(1, "behind 1 other in"), (20_000, "behind 20,000 others in")])
def test_a_quest_in_a_queue_says_how_many_come_before_it(ahead: int, said: str) -> None:
    assert said in situation_of(quest(), [TICKET], [WORKER], NOW, ahead=ahead).message


def test_a_failed_quest_names_the_same_step_again_and_the_way_to_correct_what_it_is_given() -> None:
    failed = StepView(position="0002", lord_name="b", tool_name="c", status=StepStatus.ERROR, attempts=1)
    done = failed.model_copy(update={"position": "0001", "status": StepStatus.SUCCESS})

    hint = situation_of(quest("failed", steps=[done, failed]), [], [], NOW).hint or ""

    assert hint.startswith("questline retry alpha (runs the step again)")
    assert hint.endswith("questline replay alpha --from 0002 --set PATH=JSON")
    assert "--from" not in (situation_of(quest("failed"), [], [], NOW).hint or "")


def test_an_ended_quest_says_so_even_if_its_ticket_was_seen_before() -> None:
    assert situation_of(quest("completed"), [RUNNING], [], NOW).cause is Cause.ENDED


def test_a_quest_that_a_program_keeps_says_how_to_hand_it_to_workers() -> None:
    found = situation_of(quest("running"), [], [WORKER], NOW)

    assert (found.cause, found.hint) == (Cause.KEPT, "questline resume alpha")


def test_a_paused_quest_tells_the_reason_and_how_to_go_on() -> None:
    found = situation_of(quest("paused", reason="lunch"), [replace(TICKET, state=TicketState.HELD)], [], NOW)

    assert (found.cause, found.message, found.hint) == (Cause.PAUSED, "it was paused: lunch", "questline resume alpha")


def test_a_pausing_quest_names_the_worker_that_still_runs_its_step_and_for_how_long() -> None:
    found = situation_of(quest("pausing", reason="lunch"), [RUNNING], [WORKER], NOW)

    assert found.cause is Cause.PAUSING
    assert "step 0001 ends; it has been running on castle (pid 7) for 12.0 s: lunch" in found.message


def test_a_pausing_quest_whose_worker_is_lost_says_that_instead() -> None:
    assert situation_of(quest("pausing"), [RUNNING], [], NOW).cause is Cause.WORKER_LOST
