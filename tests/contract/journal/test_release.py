from dataclasses import replace

import pytest

from questline_persistence.claims import Settled
from questline_persistence.schema import runs
from questline_persistence.states import ExecutionStatus
from tests.contract.quests import LONG, Workbench, failure


def test_a_released_step_is_ready_at_once_and_has_spent_no_attempt(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.journal.fail(failure(bench.claim(quest_id)))
    settled = bench.journal.release(bench.claim(quest_id))

    ticket, now = bench.ticket(quest_id), bench.clock.now()
    assert (ticket.state, ticket.attempt, ticket.lost, ticket.claim_id, ticket.worker_id) == ("ready", 1, 0, None, None)
    assert (ticket.available_at, ticket.ring_at, ticket.version) == (now, now, 0)
    assert settled.doorbell is not None
    assert (settled.won, settled.doorbell.fence) == (True, ticket.fence)
    assert len(bench.rows(runs, quest_id)) == 1
    assert bench.claim(quest_id, bench.worker()).attempt == 2


def test_a_release_while_a_pause_was_asked_for_settles_the_pause(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)

    assert bench.journal.release(claim) == Settled(won=True, status=ExecutionStatus.PAUSED)
    assert (bench.status(quest_id), bench.ticket(quest_id).state) == ("paused", "held")
    assert bench.reasons(quest_id) == ["start", "pause"]


def test_a_snoozed_step_waits_and_has_spent_no_attempt_nor_left_a_run(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.journal.fail(failure(bench.claim(quest_id)))
    claim = bench.claim(quest_id)
    settled = bench.journal.release(claim, after=60.0)

    ticket, until = bench.ticket(quest_id), bench.clock.now() + 60.0
    assert (ticket.state, ticket.attempt, ticket.lost, ticket.claim_id, ticket.worker_id) == ("ready", 1, 0, None, None)
    assert (ticket.available_at, ticket.ring_at, ticket.snoozed_until) == (until, until, until)
    assert ticket.fence == claim.fence + 1
    assert settled.doorbell is not None
    assert settled.doorbell.available_at == until
    assert len(bench.rows(runs, quest_id)) == 1
    assert bench.try_claim(quest_id) is None
    assert bench.bells.due() == []
    bench.clock.advance(60)
    assert [bell.quest_id for bell in bench.bells.due()] == [quest_id]
    assert bench.claim(quest_id).attempt == 2


def test_a_step_that_fails_after_a_snooze_waits_for_its_back_off(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.journal.release(bench.claim(quest_id), after=0.0)
    bench.journal.fail(failure(bench.claim(quest_id), retry_in=30.0))

    (ticket,) = bench.repository.tickets(quest_id)
    assert ticket.available_at == bench.clock.now() + 30.0 != ticket.snoozed_until


def test_a_snooze_while_a_pause_was_asked_for_settles_the_pause_and_goes_on_waiting_after_it(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)
    assert bench.journal.release(claim, after=60.0) == Settled(won=True, status=ExecutionStatus.PAUSED)
    bench.controls.resume(quest_id)

    assert bench.try_claim(quest_id) is None
    bench.clock.advance(60)
    assert bench.try_claim(quest_id) is not None


def test_a_snooze_after_a_cancel_changes_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.controls.cancel(quest_id)
    assert bench.journal.release(claim, after=60.0) == Settled(won=False)
    assert not bench.has_ticket(quest_id)


def test_a_late_release_takes_nothing_from_the_next_claim(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    held = bench.claim(quest_id, bench.worker())

    assert bench.journal.release(late) == Settled(won=False)
    assert bench.ticket(quest_id).claim_id == held.claim_id


def test_a_release_after_the_checkpoint_changes_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.finish(claim, 1)
    before = bench.everything(quest_id)

    assert not bench.journal.release(claim).won
    assert bench.everything(quest_id) == before


@pytest.mark.parametrize("forged", [{"claim_id": "0" * 32}, {"epoch": 1}, {"position": "0002"}])
def test_only_the_claim_that_holds_the_step_releases_it(bench: Workbench, forged: dict[str, object]) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)

    assert not bench.journal.release(replace(claim, **forged)).won
    assert bench.ticket(quest_id).claim_id == claim.claim_id


def test_a_claim_releases_its_own_quest_only(bench: Workbench) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    claim = bench.claim(quest_id)

    assert not bench.journal.release(replace(claim, quest_id=other)).won
    assert bench.ticket(quest_id).claim_id == claim.claim_id
