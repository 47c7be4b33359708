"""What people and programs are shown is a frozen object with one JSON form."""

from dataclasses import FrozenInstanceError, replace

import pytest

from questline_persistence.records import LordStatistics, QuestStatistics, SnapshotHead, TicketView
from questline_persistence.states import ExecutionStatus, SnapshotReason, TicketState

TICKET = TicketView(
    position="0001",
    handler="herald:greet",
    state=TicketState.RUNNING,
    attempt=1,
    lost=0,
    company=0,
    available_at=1.5,
    queue="default",
    worker_id="w1",
    claimed_at=2.0,
    deadline=3.0,
    snoozed_until=None,
)
HEAD = SnapshotHead(7, "alpha", 2, 1, None, SnapshotReason.REPLAY, "2026-11-21T08:00:00.000000Z", parent_version=1)
QUESTS = QuestStatistics(dict.fromkeys(ExecutionStatus, 2), 3.0, 4.0, 2.0)
LORD = LordStatistics("architect", "design_system", 50, 48, 2, 96.0, 1.5, 2.0, 1.0)


@pytest.mark.parametrize("shown", [TICKET, HEAD, QUESTS, LORD])
def test_a_view_never_changes(shown: object) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(shown, next(iter(type(shown).__slots__)), None)  # type: ignore[attr-defined]  # each has slots


def test_a_ticket_tells_its_times_as_texts() -> None:
    assert list(TICKET.to_json().items()) == [
        ("position", "0001"),
        ("handler", "herald:greet"),
        ("state", "running"),
        ("attempt", 1),
        ("lost", 0),
        ("company", 0),
        ("available_at", "1970-01-01T00:00:01.500000Z"),
        ("queue", "default"),
        ("worker_id", "w1"),
        ("claimed_at", "1970-01-01T00:00:02.000000Z"),
        ("deadline_at", "1970-01-01T00:00:03.000000Z"),
        ("snoozed", False),
    ]


def test_a_ticket_that_nobody_has_claimed_tells_no_times_of_a_claim() -> None:
    waiting = replace(TICKET, worker_id=None, claimed_at=None, deadline=None, snoozed_until=1.5).to_json()

    assert (waiting["claimed_at"], waiting["deadline_at"], waiting["snoozed"]) == (None, None, True)


def test_a_head_tells_its_reason_as_a_plain_word() -> None:
    assert list(HEAD.to_json().items()) == [
        ("snapshot_id", 7),
        ("quest_id", "alpha"),
        ("version", 2),
        ("epoch", 1),
        ("position", None),
        ("snapshot_reason", "replay"),
        ("created_at", "2026-11-21T08:00:00.000000Z"),
        ("parent_version", 1),
    ]
    assert type(HEAD.to_json()["snapshot_reason"]) is str


def test_the_statistics_of_quests_have_a_key_for_each_status() -> None:
    durations = [("avg_duration_seconds", 3.0), ("max_duration_seconds", 4.0), ("min_duration_seconds", 2.0)]

    assert list(QUESTS.to_json().items()) == [
        ("total_quests", 2 * len(ExecutionStatus)),
        *((str(status), 2) for status in ExecutionStatus),
        *durations,
    ]
    assert {type(key) for key in QUESTS.to_json()} == {str}


def test_the_statistics_of_quests_name_the_counts_that_ended_at_their_bound() -> None:
    found = replace(QUESTS, counts={**QUESTS.counts, ExecutionStatus.FAILED: 3}, counted_to=3)

    assert (QUESTS.capped, found.capped) == (frozenset(), {ExecutionStatus.FAILED})


def test_the_statistics_of_a_lord_have_the_keys_of_the_contract() -> None:
    assert list(LORD.to_json().items()) == [
        ("lord_name", "architect"),
        ("tool_name", "design_system"),
        ("total_runs", 50),
        ("successful", 48),
        ("errors", 2),
        ("success_rate", 96.0),
        ("avg_duration_seconds", 1.5),
        ("max_duration_seconds", 2.0),
        ("min_duration_seconds", 1.0),
    ]
