import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from questline_persistence.claims import Claim, ClaimRequest
from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.ids import new_claim_id
from questline_persistence.schema import runs, tickets
from tests.contract.quests import LONG, Workbench, failure


def test_a_quest_whose_step_waits_is_paused_at_once(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    paused = bench.controls.pause(quest_id, "night")

    assert (paused.status, paused.changed, paused.version, paused.doorbells) == ("paused", True, 2, ())
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.reason, found.version) == ("paused", "night", 2)
    assert bench.ticket(quest_id).state == "held"
    snapshot = bench.repository.load_latest_snapshot(quest_id)
    assert snapshot is not None
    assert (snapshot.snapshot_reason, snapshot.run_data) == ("pause", {"a": 1})
    assert [one.lord_name for one in snapshot.execution_stack] == ["b"]


def test_a_quest_whose_step_runs_is_pausing_until_the_step_has_ended(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    paused = bench.controls.pause(quest_id, "night")

    assert (paused.status, paused.changed) == ("pausing", True)
    assert bench.status(quest_id) == "pausing"
    assert bench.reasons(quest_id) == ["start"]
    assert bench.finish(claim, 1).status == "paused"


def test_what_a_verb_did_is_plain_data_for_json(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    done = bench.controls.pause(quest_id)

    assert json.loads(json.dumps(done.to_json())) == {
        "quest_id": quest_id,
        "status": "paused",
        "changed": True,
        "epoch": 0,
        "version": done.version,
        "notice": None,
    }


def test_fault_08_i8_nothing_starts_between_paused_and_resume(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    before = bench.request(quest_id)
    bench.controls.pause(quest_id)
    rows = bench.everything(quest_id)
    bench.clock.advance(LONG)

    assert bench.journal.claim(before) is None
    assert bench.try_claim(quest_id) is None
    assert bench.bells.due() == []
    assert bench.bells.ring_all() == 0
    assert bench.bells.wake() == 0
    assert bench.everything(quest_id) == rows


def test_i8_nothing_is_committed_after_paused_was_reported(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    assert bench.controls.pause(quest_id).status == "paused"

    assert not bench.finish(late, 1).won
    assert not bench.journal.fail(failure(late)).won
    assert bench.ticket(quest_id).state == "held"


@pytest.mark.parametrize("running", [True, False])
def test_pausing_twice_changes_nothing(bench: Workbench, *, running: bool) -> None:
    quest_id = bench.submit("a", "b")
    if running:
        bench.claim(quest_id)
    bench.controls.pause(quest_id, "first")
    before = bench.everything(quest_id)
    again = bench.controls.pause(quest_id, "second")

    assert not again.changed
    assert again.status == ("pausing" if running else "paused")
    assert bench.everything(quest_id) == before


def test_a_step_that_waits_for_something_is_held_too(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.execute("UPDATE tickets SET state = 'waiting'")
    bench.execute("UPDATE quest_executions SET status = 'waiting'")

    assert bench.controls.pause(quest_id).status == "paused"
    assert bench.ticket(quest_id).state == "held"


@pytest.mark.parametrize("ending", ["completed", "failed", "cancelled"])
def test_an_ended_quest_cannot_be_paused(bench: Workbench, ending: str) -> None:
    quest_id = bench.end(ending)
    before = bench.everything(quest_id)

    with pytest.raises(QuestConflict, match=f"is {ending}; pause needs"):
        bench.controls.pause(quest_id)
    assert bench.everything(quest_id) == before


def test_a_quest_that_is_not_there_cannot_be_paused(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound):
        bench.controls.pause("nobody")


def test_a_pause_touches_no_other_quest(bench: Workbench) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    before = bench.everything(other)
    bench.controls.pause(quest_id)

    assert bench.everything(other) == before


def test_a_claim_and_a_pause_at_once_leave_one_truth(bench: Workbench) -> None:
    assert bench.journal.worker_id
    for _ in range(25):
        quest_id = bench.submit("a", "b")
        request, barrier = bench.request(quest_id), Barrier(2)

        def claim(barrier: Barrier = barrier, request: ClaimRequest = request) -> Claim | None:
            barrier.wait(30)
            return bench.journal.claim(request)

        def pause(barrier: Barrier = barrier, quest_id: str = quest_id) -> str:
            barrier.wait(30)
            return bench.controls.pause(quest_id).status

        with ThreadPoolExecutor(2) as pool:
            claimed, reported = pool.submit(claim), pool.submit(pause)
        assert (claimed.result() is None) == (reported.result() == "paused")
        assert bench.status(quest_id) == reported.result()


def test_pausing_and_resuming_at_random_beside_a_worker_loses_no_step(bench: Workbench) -> None:
    quest_id = bench.submit(*["a"] * 12)
    journal = bench.journal

    def steer() -> None:
        for _ in range(15):
            for verb in (bench.controls.pause, bench.controls.resume):
                try:
                    verb(quest_id)
                except QuestConflict:
                    return

    with ThreadPoolExecutor(1) as pool:
        steering = pool.submit(steer)
        while bench.has_ticket(quest_id):
            if steering.done() and bench.status(quest_id) in {"paused", "pausing"}:
                bench.controls.resume(quest_id)
            for ticket in bench.rows(tickets, quest_id):
                claim = journal.claim(ClaimRequest(quest_id, 0, ticket.position, new_claim_id()))
                if claim is not None:
                    assert bench.finish(claim, ticket.position).won
    steering.result()

    assert bench.status(quest_id) == "completed"
    assert [run.position for run in bench.rows(runs, quest_id)] == [f"{number:04d}" for number in range(1, 13)]
