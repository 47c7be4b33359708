from dataclasses import replace

import pytest

from questline_persistence.backoff import MAX_BACKOFF_SECONDS, backoff
from questline_persistence.claims import Settled
from questline_persistence.journal.ended_attempt import MAX_ERROR_LENGTH
from questline_persistence.schema import runs
from questline_persistence.states import ExecutionStatus
from tests.contract.quests import LONG, Workbench, failure, lost_reply


def test_a_failure_spends_an_attempt_and_the_step_is_ready_after_its_back_off(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    settled = bench.journal.fail(failure(bench.claim(quest_id), "boom", retry_in=5.0))

    ticket, now = bench.ticket(quest_id), bench.clock.now()
    assert (ticket.state, ticket.attempt, ticket.lost, ticket.claim_id, ticket.version) == ("ready", 1, 0, None, 0)
    assert (ticket.available_at, ticket.ring_at) == (now + 5, now + 5)
    assert settled.doorbell is not None
    assert (settled.won, settled.doorbell.available_at, settled.doorbell.fence) == (True, now + 5, ticket.fence)
    (run,) = bench.repository.runs(quest_id)
    assert (run.status, run.error_message, run.attempt_number, run.output_data) == ("error", "boom", 1, None)
    assert bench.status(quest_id) == "running"
    assert bench.try_claim(quest_id) is None
    bench.clock.advance(5)
    assert bench.claim(quest_id).attempt == 2


def test_a_failure_without_another_attempt_fails_the_quest(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1)
    claim = bench.claim(quest_id)
    bench.clock.advance(3)
    settled = bench.journal.fail(failure(claim, "boom", retry_in=None))

    assert settled == Settled(won=True, status=ExecutionStatus.FAILED)
    assert not bench.has_ticket(quest_id)
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.error, found.version, found.run_data) == ("failed", "boom", 2, {"a": 1})
    assert (found.end_time, found.duration_seconds) == (bench.clock.now(), pytest.approx(3))
    assert [one.status for one in found.steps] == ["success", "error", "pending"]
    assert [one.lord_name for one in found.execution_stack] == ["b", "c"]
    assert bench.reasons(quest_id) == ["start", "checkpoint", "error"]


def test_the_idempotency_key_stays_the_same_over_attempts(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    first = bench.claim(quest_id)
    bench.journal.fail(failure(first))

    assert bench.claim(quest_id).idempotency_key == first.idempotency_key


def test_a_failure_whose_reply_was_lost_counts_once(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    with lost_reply(bench.database):
        assert bench.journal.fail(failure(claim)).won

    assert bench.ticket(quest_id).attempt == 1
    assert len(bench.rows(runs, quest_id)) == 1


@pytest.mark.parametrize("retry_in", [0.0, None], ids=["retry", "final"])
def test_a_late_failure_of_an_old_claim_is_fenced(bench: Workbench, retry_in: float | None) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    bench.claim(quest_id, bench.worker())
    before = bench.everything(quest_id)

    assert bench.journal.fail(failure(late, retry_in=retry_in)) == Settled(won=False)
    assert bench.everything(quest_id) == before


@pytest.mark.parametrize("retry_in", [0.0, None], ids=["retry", "final"])
@pytest.mark.parametrize("forged", [{"claim_id": "0" * 32}, {"epoch": 1}, {"position": "0002"}])
def test_only_the_claim_that_holds_the_step_fails_it(
    bench: Workbench, retry_in: float | None, forged: dict[str, object]
) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id)

    assert not bench.journal.fail(failure(replace(claim, **forged), retry_in=retry_in)).won
    assert bench.everything(quest_id) == before


@pytest.mark.parametrize("retry_in", [0.0, None], ids=["retry", "final"])
def test_a_claim_fails_its_own_quest_only(bench: Workbench, retry_in: float | None) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id), bench.everything(other)

    assert not bench.journal.fail(failure(replace(claim, quest_id=other), retry_in=retry_in)).won
    assert (bench.everything(quest_id), bench.everything(other)) == before


def test_a_failure_while_a_pause_was_asked_for_settles_the_pause(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)
    settled = bench.journal.fail(failure(claim, retry_in=5.0))

    assert settled == Settled(won=True, status=ExecutionStatus.PAUSED)
    ticket = bench.ticket(quest_id)
    assert (ticket.state, ticket.attempt, ticket.version) == ("held", 1, 1)
    assert bench.status(quest_id) == "paused"
    assert bench.reasons(quest_id) == ["start", "pause"]


def test_a_final_failure_fails_the_quest_though_a_pause_was_asked_for(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)
    bench.journal.fail(failure(claim, retry_in=None))

    assert bench.status(quest_id) == "failed"
    assert bench.reasons(quest_id) == ["start", "error"]


@pytest.mark.parametrize("retry_in", [0.0, None], ids=["retry", "final"])
@pytest.mark.parametrize("error", ["nul \0 inside", "lone \ud800 surrogate", "x" * (MAX_ERROR_LENGTH + 1)])
def test_duratiq_7_an_error_is_recorded_whatever_its_text(bench: Workbench, error: str, retry_in: float | None) -> None:
    quest_id = bench.submit("a")

    assert bench.journal.fail(failure(bench.claim(quest_id), error, retry_in=retry_in)).won
    (run,) = bench.repository.runs(quest_id)
    assert run.error_message is not None
    assert run.error_message[:3] == error[:3]
    assert len(run.error_message) <= MAX_ERROR_LENGTH


def test_the_back_off_doubles_is_half_random_and_capped() -> None:
    for failures, full in ((1, 2.0), (2, 4.0), (3, 8.0), (30, MAX_BACKOFF_SECONDS), (999, MAX_BACKOFF_SECONDS)):
        waits = [backoff(failures, 1000, 2.0) for _ in range(50)]
        assert all(wait is not None and full / 2 <= wait <= full for wait in waits)


def test_there_is_no_back_off_after_the_last_attempt() -> None:
    assert backoff(2, 3, 1.0) is not None
    assert backoff(3, 3, 1.0) is None
    assert backoff(1, 1, 1.0) is None


def test_an_attempt_counts_although_its_record_is_left_out(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    assert bench.journal.fail(failure(bench.claim(quest_id)), recorded=False).won
    assert (bench.ticket(quest_id).attempt, bench.repository.runs(quest_id)) == (1, [])

    settled = bench.journal.fail(failure(bench.claim(quest_id), "no", retry_in=None), recorded=False)
    assert settled == Settled(won=True, status=ExecutionStatus.FAILED)
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.error, found.version, bench.reasons(quest_id)) == ("failed", "no", 0, ["start"])


def test_a_quest_that_failed_without_a_record_goes_on_like_any_other(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    bench.journal.fail(failure(bench.claim(quest_id), retry_in=None), recorded=False)

    bench.controls.retry(quest_id)
    bench.advance(quest_id, 2)
    assert bench.status(quest_id) == "completed"
    bench.replay(quest_id)
    bench.advance(quest_id, 1, 2)


def test_a_record_that_is_left_out_is_fenced_like_any_other(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.release(claim)
    before = bench.everything(quest_id)

    assert not bench.journal.fail(failure(claim, retry_in=None), recorded=False).won
    assert bench.everything(quest_id) == before
