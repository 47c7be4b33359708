from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_persistence.claims import REDISPATCH_FIRST, Settled
from questline_persistence.schema import runs
from questline_persistence.states import ExecutionStatus
from tests.contract.quests import Workbench, checkpoint, failure, lost_reply, statements


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
        request, journal = bench.request(quest_id), bench.journal
        with statements(bench.database) as sent:
            journal.claim(request)
        sent_by_length.append(len(sent))

    assert sent_by_length[0] >= sent_by_length[1] > 0
