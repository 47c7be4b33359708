"""Why a quest is not moving."""

from typing import Any

import pytest

from questline.cli.standstill import why
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.states import ExecutionStatus

NOW = 1_000_000.0
TICKET = {
    "position": "0001",
    "handler": "herald:greet",
    "state": "ready",
    "attempt": 0,
    "available_at": NOW - 1,
    "queue": "default",
    "worker_id": None,
}
WORKER = {
    "worker_id": "w1",
    "state": "live",
    "host": "castle",
    "pid": 7,
    "handlers": ["herald:greet"],
    "queues": ["default"],
}


def quest(status: str = "running", **fields: Any) -> QuestExecutionData:
    return QuestExecutionData(
        quest_id="alpha",
        quest_type="x",
        execution_stack=[LordStep("herald", "greet")],
        status=ExecutionStatus(status),
        **fields,
    )


@pytest.mark.parametrize(
    ("ticket", "workers", "said"),
    [
        ({}, [], "no worker is alive"),
        ({}, [WORKER | {"state": "lost"}], "no worker is alive"),
        ({}, [WORKER | {"handlers": []}], "no live worker knows herald:greet"),
        ({}, [WORKER | {"queues": ["slow"]}], "listens to queue default"),
        (
            {"available_at": NOW + 90, "attempt": 1},
            [WORKER],
            "attempt 2 of step 0001 waits until 1970-01-12 13:48:10 UTC",
        ),
        ({"available_at": NOW + 90}, [], "(in 1 m 30 s)"),
    ],
)
def test_a_quest_that_nobody_takes_says_why(ticket: dict[str, Any], workers: list[dict[str, Any]], said: str) -> None:
    found = why(quest(), [TICKET | ticket], workers, NOW)

    assert found is not None
    assert said in found.message


@pytest.mark.parametrize(
    ("status", "tickets", "workers"),
    [
        ("running", [TICKET], [WORKER]),
        ("running", [TICKET | {"state": "running"}], []),
        ("completed", [], [WORKER]),
        ("failed", [], []),
    ],
)
def test_a_quest_that_moves_or_has_ended_says_nothing(
    status: str, tickets: list[dict[str, Any]], workers: list[dict[str, Any]]
) -> None:
    assert why(quest(status), tickets, workers, NOW) is None


def test_a_paused_quest_tells_the_reason_and_how_to_go_on() -> None:
    found = why(quest("paused", reason="lunch"), [TICKET | {"state": "held"}], [], NOW)

    assert found is not None
    assert (found.message, found.hint) == ("it was paused: lunch", "questline resume alpha")


def test_a_pausing_quest_names_the_worker_that_still_runs_its_step() -> None:
    found = why(quest("pausing"), [TICKET | {"state": "running", "worker_id": "w1"}], [WORKER], NOW)

    assert found is not None
    assert "step 0001 has ended on castle (pid 7)" in found.message
