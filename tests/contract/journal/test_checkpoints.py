from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Row, insert
from sqlalchemy.exc import IntegrityError

from questline_persistence.claims import REDISPATCH_FIRST, Checkpoint, Claim, Settled
from questline_persistence.errors import QuestConflict
from questline_persistence.schema import runs
from questline_persistence.states import ExecutionStatus
from tests.contract.quests import LONG, Workbench, checkpoint, failure, lost_reply, statements


def test_a_checkpoint_commits_the_result_and_the_next_step_is_ready(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    settled = bench.finish(claim, {"x": 1})

    ticket = bench.ticket(quest_id)
    assert (ticket.state, ticket.position, ticket.handler, ticket.version) == ("ready", "0002", "b:work", 1)
    assert (ticket.claim_id, ticket.worker_id, ticket.deadline, ticket.fence) == (None, None, None, 3)
    assert (ticket.available_at, ticket.ring_at) == (bench.clock.now(), bench.clock.now() + REDISPATCH_FIRST)
    assert settled.won
    assert settled.doorbell is not None
    assert (settled.doorbell.quest_id, settled.doorbell.position, settled.doorbell.fence) == (quest_id, "0002", 3)
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.version, found.run_data) == ("running", 1, {"a": {"x": 1}})
    assert [one.status for one in found.steps] == ["success", "queued"]
    assert found.progress == {"completed": 1, "remaining": 1}


def test_a_checkpoint_records_the_run_of_its_claim(bench: Workbench) -> None:
    quest_id = bench.submit("a", "a")
    bench.advance(quest_id, 0)
    claim = bench.claim(quest_id)
    bench.finish(claim, [1, 2])

    run = bench.repository.runs(quest_id)[1]
    assert (run.claim_id, run.worker_id, run.epoch, run.position) == (claim.claim_id, claim.worker_id, 0, "0002")
    assert (run.lord_name, run.tool_name, run.run_index, run.status) == ("a", "work", 2, "success")
    assert (run.output_data, run.error_message, run.attempt_number, run.max_attempts) == ([1, 2], None, 1, 3)
    assert (run.start_time, run.duration_seconds) == (claim.start_time, pytest.approx(1.0))


def test_the_last_checkpoint_completes_the_quest(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    claim = bench.claim(quest_id)
    bench.clock.advance(4)
    settled = bench.finish(claim, {"done": True})

    assert settled == Settled(won=True, status=ExecutionStatus.COMPLETED)
    assert not bench.has_ticket(quest_id)
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.version, found.output_data) == ("completed", 2, {"done": True})
    assert (found.end_time, found.duration_seconds) == (bench.clock.now(), pytest.approx(4))
    assert (found.execution_stack, found.run_data) == ([], {"a": 1, "b": {"done": True}})
    assert bench.reasons(quest_id) == ["start", "checkpoint", "completed"]


def test_attempts_and_losses_start_anew_at_the_next_step(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.execute("UPDATE tickets SET lost = 2, refusals = 3, dispatches = 4")
    bench.advance(quest_id, 1)

    ticket = bench.ticket(quest_id)
    assert (ticket.attempt, ticket.lost, ticket.refusals, ticket.dispatches) == (0, 0, 0, 0)


def test_outputs_of_a_lord_that_occurs_twice_are_told_apart(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "a")
    bench.advance(quest_id, 1, 2, 3)

    assert bench.repository.load_quest(quest_id).run_data == {"a": 3, "a#1": 1, "a#2": 3, "b": 2}


def test_a_checkpoint_whose_reply_was_lost_counts_once(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    with lost_reply(bench.database):
        assert bench.finish(claim, 1).won

    assert len(bench.rows(runs, quest_id)) == 1
    assert bench.ticket(quest_id).version == 1


@pytest.mark.parametrize("steps", [("a",), ("a", "b")], ids=["last", "first"])
def test_the_same_checkpoint_sent_twice_wins_twice_and_doubles_nothing(
    bench: Workbench, steps: tuple[str, ...]
) -> None:
    quest_id = bench.submit(*steps)
    end = checkpoint(bench.claim(quest_id), 1)
    assert bench.journal.checkpoint(end).won
    before = bench.everything(quest_id)

    assert bench.journal.checkpoint(end) == Settled(won=True)
    assert bench.everything(quest_id) == before


def test_the_same_checkpoint_twice_in_one_batch_doubles_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    end = checkpoint(bench.claim(quest_id), 1)
    with ThreadPoolExecutor(4) as pool:
        assert all(settled.won for settled in pool.map(bench.journal.checkpoint, [end] * 4))

    assert len(bench.rows(runs, quest_id)) == 1


def test_duratiq_1_a_late_result_of_an_old_claim_is_fenced(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    late = bench.claim(quest_id)
    bench.recovery.sweep(now=bench.clock.advance(LONG))
    bench.finish(bench.claim(quest_id, bench.worker(lease=2 * LONG)), "timely")
    before = bench.everything(quest_id)

    assert bench.finish(late, "late") == Settled(won=False)
    assert bench.everything(quest_id) == before
    assert bench.repository.load_quest(quest_id).run_data == {"a": "timely"}


def test_duratiq_1_a_late_result_is_fenced_while_its_successor_still_runs(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.recovery.sweep(now=bench.clock.advance(LONG))
    held = bench.claim(quest_id, bench.worker(lease=2 * LONG))

    assert bench.finish(late, "late") == Settled(won=False)
    assert bench.ticket(quest_id).claim_id == held.claim_id
    assert bench.finish(held, "timely").won


def test_duratiq_1_a_late_result_is_fenced_when_its_step_is_ready_again(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.recovery.sweep(now=bench.clock.advance(LONG))

    assert bench.finish(late, "late") == Settled(won=False)
    assert bench.ticket(quest_id).state == "ready"


def test_duratiq_2_redelivery_does_not_overwrite_a_recorded_result(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.finish(claim, "first")

    bench.journal.checkpoint(checkpoint(claim, "second"))
    assert bench.repository.load_quest(quest_id).run_data == {"a": "first"}


def test_i2_the_database_refuses_a_second_success_of_a_step(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    (run,) = bench.rows(runs, quest_id)
    again = {**run._mapping, "run_id": None, "claim_id": "another"}
    del again["run_id"]

    with pytest.raises(IntegrityError):
        bench.database.write(lambda connection: connection.execute(insert(runs).values(again)))


def test_i1_committed_runs_and_snapshots_never_change(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    kept: list[Row[Any]] = []
    claim = None
    for verb in ("claim", "fail", "claim", "pause", "checkpoint", "resume", "claim", "checkpoint", "replay", "cancel"):
        if verb == "claim":
            claim = bench.claim(quest_id)
        elif verb == "fail" and claim is not None:
            bench.journal.fail(failure(claim))
        elif verb == "checkpoint" and claim is not None:
            bench.finish(claim, verb)
        elif verb == "replay":
            bench.replay(quest_id)
        else:
            getattr(bench.controls, verb)(quest_id)
        rows = bench.everything(quest_id)
        found = [*rows["lord_runs"], *rows["quest_snapshots"]]
        assert all(one in found for one in kept)
        kept = found
    assert len(kept) == 3 + 5


@pytest.mark.parametrize("steps", [("a",), ("a", "b")], ids=["last", "first"])
@pytest.mark.parametrize("forged", [{"claim_id": "0" * 32}, {"epoch": 1}, {"position": "0000"}, {"position": "0009"}])
def test_i6_only_the_claim_that_holds_the_step_commits(
    bench: Workbench, steps: tuple[str, ...], forged: dict[str, object]
) -> None:
    quest_id = bench.submit(*steps)
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id)

    assert bench.finish(replace(claim, **forged), 1) == Settled(won=False)
    assert bench.everything(quest_id) == before
    assert bench.finish(claim, 1).won


@pytest.mark.parametrize("steps", [("a",), ("a", "b")], ids=["last", "first"])
def test_i6_a_claim_commits_to_its_own_epoch_only(bench: Workbench, steps: tuple[str, ...]) -> None:
    quest_id = bench.submit(*steps)
    bench.replay(quest_id)
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id)

    assert bench.finish(replace(claim, epoch=0), 1) == Settled(won=False)
    assert bench.everything(quest_id) == before


@pytest.mark.parametrize("steps", [("a",), ("a", "b")], ids=["last", "first"])
def test_i6_a_claim_commits_to_its_own_quest_only(bench: Workbench, steps: tuple[str, ...]) -> None:
    quest_id, other = bench.submit(*steps), bench.submit(*steps)
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id), bench.everything(other)

    assert bench.finish(replace(claim, quest_id=other), 1) == Settled(won=False)
    assert (bench.everything(quest_id), bench.everything(other)) == before


def test_i6_a_checkpoint_of_a_released_claim_is_fenced(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.release(claim)

    assert bench.finish(claim, 1) == Settled(won=False)
    assert bench.rows(runs, quest_id) == []


def test_i6_a_checkpoint_after_the_failure_of_its_claim_is_fenced(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.fail(failure(claim))

    assert bench.finish(claim, 1) == Settled(won=False)
    assert bench.ticket(quest_id).state == "ready"


def test_i5_the_fence_rises_with_every_transition(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    fences = [bench.ticket(quest_id).fence]

    def note() -> None:
        fences.append(bench.ticket(quest_id).fence)

    bench.journal.release(bench.claim(quest_id))
    note()
    bench.journal.fail(failure(bench.claim(quest_id)))
    note()
    bench.advance(quest_id, 1)
    note()
    for verb in ("pause", "resume"):
        getattr(bench.controls, verb)(quest_id)
        note()
    bench.claim(quest_id)
    bench.recovery.sweep(now=bench.clock.advance(LONG))
    note()
    bench.replay(quest_id)
    note()
    bench.controls.cancel(quest_id)
    bench.replay(quest_id)
    note()
    bench._journal = None
    bench.fail(quest_id)
    bench.controls.retry(quest_id)
    note()
    bench.advance(quest_id, 1, 2, 3)
    bench.replay(quest_id)
    note()

    assert fences == sorted(set(fences))


def test_a_checkpoint_of_a_step_in_the_middle_of_a_pause_settles_the_pause(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)
    settled = bench.finish(claim, 1)

    assert settled == Settled(won=True, status=ExecutionStatus.PAUSED)
    ticket = bench.ticket(quest_id)
    assert (ticket.state, ticket.position, ticket.version) == ("held", "0002", 2)
    assert bench.status(quest_id) == "paused"
    assert bench.reasons(quest_id) == ["start", "checkpoint", "pause"]


def test_a_last_step_completes_its_quest_though_a_pause_was_asked_for(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)

    assert bench.finish(claim, 1).status is ExecutionStatus.COMPLETED
    assert bench.status(quest_id) == "completed"


def test_a_batch_of_checkpoints_settles_each_for_itself(bench: Workbench) -> None:
    going, last, pausing, stale = (bench.submit("a", *rest) for rest in (["b"], [], ["b"], ["b"]))
    claims = [bench.claim(one) for one in (going, last, pausing, stale)]
    bench.controls.pause(pausing)
    bench.controls.cancel(stale)
    settled = bench.journal._flush([checkpoint(claim, number) for number, claim in enumerate(claims)])

    assert [one.won for one in settled if isinstance(one, Settled)] == [True, True, True, False]
    assert [bench.status(claim.quest_id) for claim in claims] == ["running", "completed", "paused", "cancelled"]
    assert [bench.repository.load_quest(claim.quest_id).run_data for claim in claims] == [
        {"a": 0},
        {"a": 1},
        {"a": 2},
        {},
    ]


@pytest.mark.parametrize("length", [2, 400])
def test_a_checkpoint_costs_the_same_few_statements_whatever_the_length(bench: Workbench, length: int) -> None:
    quest_id = bench.submit(*["a"] * length)
    bench.advance(quest_id, *range(length - 2))
    claim = bench.claim(quest_id)
    with statements(bench.database) as sent:
        bench.finish(claim, 1)

    assert len(sent) == {"sqlite": 5, "postgresql": 1}[bench.database.dialect.name]  # SQLite: BEGIN and four


def test_a_claim_costs_the_same_few_statements_whatever_the_length(bench: Workbench) -> None:
    sent_by_length = []
    for length in (1, 300):
        quest_id = bench.submit(*["a"] * length)
        bench.advance(quest_id, *range(length - 1))
        wish, journal = bench.wish(quest_id), bench.journal
        with statements(bench.database) as sent:
            journal.claim(wish)
        sent_by_length.append(len(sent))

    assert sent_by_length[0] >= sent_by_length[1] > 0


def test_a_checkpoint_and_a_pause_at_once_leave_one_truth(bench: Workbench) -> None:
    for _ in range(25):
        quest_id = bench.submit("a", "b")
        claim = bench.claim(quest_id)
        settled, _ = _at_once(
            lambda claim=claim: bench.finish(claim, 1), lambda one=quest_id: bench.controls.pause(one)
        )

        assert isinstance(settled, Settled)
        assert settled.won
        assert bench.status(quest_id) == "paused"
        assert (bench.ticket(quest_id).state, bench.ticket(quest_id).position) == ("held", "0002")
        assert bench.reasons(quest_id) == ["start", "checkpoint", "pause"]


def test_a_checkpoint_and_a_cancellation_at_once_leave_one_truth(bench: Workbench) -> None:
    outcomes = set()
    for _ in range(25):
        quest_id = bench.submit("a")
        claim = bench.claim(quest_id)
        settled, refused = _at_once(
            lambda claim=claim: bench.finish(claim, 1), lambda one=quest_id: _refused(bench, one)
        )

        assert isinstance(settled, Settled)
        assert settled.won == bool(refused)
        assert bench.status(quest_id) == ("completed" if settled.won else "cancelled")
        ended = [run.status for run in bench.rows(runs, quest_id)]
        assert ended == ["success" if settled.won else "cancelled"]
        outcomes.add(settled.won)
    assert outcomes


def test_a_checkpoint_and_a_replay_at_once_leave_one_truth(bench: Workbench) -> None:
    for _ in range(25):
        quest_id = bench.submit("a", "b")
        claim = bench.claim(quest_id)
        settled, _ = _at_once(lambda claim=claim: bench.finish(claim, 1), lambda one=quest_id: bench.replay(one))

        assert isinstance(settled, Settled)
        ended = [run.status for run in bench.rows(runs, quest_id)]
        assert ended == ["success" if settled.won else "cancelled"]
        found = bench.repository.load_quest(quest_id)
        assert (found.epoch, found.status, found.run_data) == (1, "running", {})
        assert (bench.ticket(quest_id).position, bench.ticket(quest_id).state) == ("0001", "ready")
        bench.advance(quest_id, "again", "and again")


def test_a_checkpoint_and_a_sweep_at_once_leave_one_truth(bench: Workbench) -> None:
    for _ in range(25):
        quest_id = bench.submit("a", "b")
        claim = bench.claim(quest_id, bench.worker())
        late = bench.clock.now() + LONG
        settled, swept = _at_once(
            lambda claim=claim: bench.finish(claim, 1), lambda now=late: bench.recovery.sweep(now=now)
        )

        assert isinstance(settled, Settled)
        assert settled.won != bool(getattr(swept, "freed", None))
        (run,) = bench.rows(runs, quest_id)
        assert run.status == ("success" if settled.won else "error")


def test_a_checkpoint_and_its_double_at_once_commit_once(bench: Workbench) -> None:
    other = bench.worker()
    for _ in range(15):
        quest_id = bench.submit("a", "b")
        end = checkpoint(bench.claim(quest_id), 1)
        outcomes = _at_once(lambda end=end: bench.journal.checkpoint(end), lambda end=end: other.checkpoint(end))

        assert [isinstance(one, Settled) and one.won for one in outcomes] == [True, True]
        assert len(bench.rows(runs, quest_id)) == 1


def _refused(bench: Workbench, quest_id: str) -> bool:
    try:
        bench.controls.cancel(quest_id)
    except QuestConflict:
        return True
    return False


def _at_once(*calls: object) -> list[object]:
    """Call each function in a thread of its own, as nearly at once as threads can."""
    barrier = Barrier(len(calls))

    def run(call: object) -> object:
        barrier.wait(30)
        assert callable(call)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_a_claim_that_is_forged_from_nothing_commits_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.release(claim)
    forged = Checkpoint(replace(claim, claim_id=""), "1", 0.0)

    assert isinstance(forged.claim, Claim)
    assert bench.journal.checkpoint(forged) == Settled(won=False)
    assert bench.rows(runs, quest_id) == []
