"""A checkpoint that claims the step after it: the same as a checkpoint and a claim, with nothing in between."""

from dataclasses import replace
from typing import Any

import pytest

from questline_persistence.claims import Claim, Settled
from questline_persistence.models import LordStep
from questline_persistence.states import ExecutionStatus
from tests.contract.quests import LONG, Workbench, checkpoint, failure, lost_reply, statements


def hand_over(bench: Workbench, claim: Claim, output: Any = None, next_claim_id: str = "next") -> Settled:
    """Commit a result and ask for the step after it."""
    return bench.journal.checkpoint(replace(checkpoint(claim, output), next_claim_id=next_claim_id))


def handed(bench: Workbench, claim: Claim, output: Any = None, next_claim_id: str = "next") -> Claim:
    """Commit a result and return the claim on the step after it, which must be possible."""
    settled = hand_over(bench, claim, output, next_claim_id)
    assert settled.won
    assert settled.next_claim is not None
    return settled.next_claim


def test_the_next_step_is_claimed_together_with_the_checkpoint(bench: Workbench) -> None:
    quest_id = bench.submit(
        "a", LordStep("b", "work", params={"x": 1}, max_attempts=5, timeout_seconds=40), input_data={"y": 2}
    )
    claim = bench.claim(quest_id)
    bench.clock.advance(3)
    settled = hand_over(bench, claim, "one")

    now, ticket = bench.clock.now(), bench.ticket(quest_id)
    assert (ticket.state, ticket.position, ticket.handler, ticket.version) == ("running", "0002", "b:work", 1)
    assert (ticket.claim_id, ticket.worker_id, ticket.fence) == ("next", bench.journal.worker_id, claim.fence + 1)
    assert (ticket.claimed_at, ticket.deadline) == (now, now + 40)
    assert settled.doorbell is None, "nobody needs to ring for a step that runs"
    assert bench.repository.load_quest(quest_id).run_data == {"a": "one"}
    assert bench.reasons(quest_id) == ["start", "checkpoint"]
    bench.check()


def test_the_claim_on_the_next_step_says_what_a_claim_by_itself_would(bench: Workbench) -> None:
    plan = [
        LordStep("a", "work"),
        LordStep("b", "work", params={"x": 1}, max_attempts=5, timeout_seconds=40),
        LordStep("b", "work"),
    ]
    first, second = (bench.submit(*plan, input_data={"y": 2}) for _ in range(2))
    claims = [handed(bench, bench.claim(first), 1, "c1"), claimed_after(bench, second)]
    claims += [handed(bench, claims[0], 2, "c2"), claimed_after(bench, second, claims[1])]

    for own, alone in (claims[:2], claims[2:]):
        same = {"claim_id": own.claim_id, "quest_id": own.quest_id, "fence": own.fence}
        stored = {"params_json": own.params_json, "input_json": own.input_json}
        assert own == replace(alone, **same, **stored)
        assert (own.params, own.input_data) == (alone.params, alone.input_data)
    assert [claim.occurrence for claim in claims] == [1, 1, 2, 2]


def claimed_after(bench: Workbench, quest_id: str, before: Claim | None = None) -> Claim:
    """Commit one step and claim the next one by itself."""
    assert bench.finish(before or bench.claim(quest_id)).won
    return bench.claim(quest_id)


def test_a_chain_of_next_claims_runs_a_quest_to_its_end(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    claim = bench.claim(quest_id)
    fences = [claim.fence]
    for number in range(2):
        claim = handed(bench, claim, number, f"next-{number}")
        fences.append(claim.fence)
        bench.check()

    assert hand_over(bench, claim, "end") == Settled(won=True, status=ExecutionStatus.COMPLETED)
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.run_data) == ("completed", {"a": 0, "b": 1, "c": "end"})
    assert fences == sorted(set(fences))
    assert not bench.has_ticket(quest_id)
    bench.check()


def test_a_pause_that_was_asked_for_holds_the_ticket_and_nothing_is_claimed(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)

    assert hand_over(bench, claim) == Settled(won=True, status=ExecutionStatus.PAUSED)
    ticket = bench.ticket(quest_id)
    assert (ticket.state, ticket.claim_id, ticket.worker_id, ticket.deadline) == ("held", None, None, None)
    assert bench.status(quest_id) == "paused"
    bench.check()


@pytest.mark.parametrize("ahead", [LordStep("stranger", "work"), LordStep("b", "work", queue="other")])
def test_a_step_that_is_not_for_this_worker_becomes_ready_for_others(bench: Workbench, ahead: LordStep) -> None:
    quest_id = bench.submit("a", ahead)
    settled = hand_over(bench, bench.claim(quest_id))

    ticket = bench.ticket(quest_id)
    assert settled.next_claim is None
    assert settled.doorbell is not None
    assert (settled.doorbell.position, settled.doorbell.queue) == ("0002", ahead.queue or "default")
    assert (ticket.state, ticket.claim_id, ticket.worker_id, ticket.deadline) == ("ready", None, None, None)
    assert (ticket.claimed_at, ticket.available_at) == (None, bench.clock.now())
    bench.check()


@pytest.mark.parametrize("verb", ["cancel", "replay", "sweep"])
def test_a_fenced_checkpoint_claims_nothing(bench: Workbench, verb: str) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    if verb == "sweep":
        bench.sweep.run(now=bench.clock.advance(LONG))
    elif verb == "cancel":
        bench.controls.cancel(quest_id)
    else:
        bench.replay(quest_id)
    before = bench.everything(quest_id)

    assert hand_over(bench, claim) == Settled(won=False)
    assert bench.everything(quest_id) == before


def test_the_next_claim_can_be_given_back_swept_and_failed_like_any_claim(bench: Workbench) -> None:
    quests = [bench.submit("a", "b") for _ in range(3)]
    released, swept, failed = (handed(bench, bench.claim(quest_id), 1, quest_id) for quest_id in quests)

    assert bench.journal.release(released).won
    assert (bench.ticket(quests[0]).state, bench.ticket(quests[0]).attempt) == ("ready", 0)
    assert bench.journal.fail(failure(failed, retry_in=None)).won
    assert bench.status(quests[2]) == "failed"
    bench.sweep.run(now=bench.clock.advance(LONG))
    assert (bench.ticket(quests[1]).state, bench.ticket(quests[1]).lost) == ("ready", 1)
    assert not bench.finish(swept).won
    bench.check()


def test_a_handed_over_claim_whose_reply_was_lost_is_told_all_the_same(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    with lost_reply(bench.database):
        next_claim = handed(bench, claim, "one")

    assert next_claim.claim_id == bench.ticket(quest_id).claim_id == "next"
    assert (next_claim.position, next_claim.fence) == ("0002", bench.ticket(quest_id).fence)
    assert bench.finish(next_claim, "two").won
    assert bench.repository.load_quest(quest_id).run_data == {"a": "one", "b": "two"}
    bench.check()


def test_a_handed_over_claim_that_was_swept_before_its_reply_came_is_not_told(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    with lost_reply(bench.database, lambda: bench.sweep.run(now=bench.clock.advance(LONG))):
        settled = hand_over(bench, claim, "one")

    assert settled == Settled(won=True)
    assert bench.ticket(quest_id).state == "ready"
    bench.check()


def test_of_two_ends_of_one_step_in_a_batch_the_holder_alone_commits_and_goes_on(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    holder = bench.claim(quest_id)
    ends = [
        replace(checkpoint(late, "late"), next_claim_id="late"),
        replace(checkpoint(holder, "holder"), next_claim_id="mine"),
    ]

    for batch in (ends, ends[::-1]):
        found = dict(zip([end.next_claim_id for end in batch], bench.journal._flush(batch), strict=True))
        won = found["mine"]
        assert found["late"] == Settled(won=False)
        assert isinstance(won, Settled)
        assert won.next_claim is not None
        assert won.next_claim.claim_id == "mine"
    assert bench.repository.load_quest(quest_id).run_data == {"a": "holder"}
    bench.check()


def test_a_batch_hands_over_where_that_was_wanted_only(bench: Workbench) -> None:
    quests = [bench.submit("a", "b") for _ in range(5)]
    claims = [bench.claim(quest_id) for quest_id in quests]
    ends = [
        replace(checkpoint(claim, 1), next_claim_id=f"s{index}" if index % 2 else None)
        for index, claim in enumerate(claims)
    ]

    settled = [one for one in bench.journal._flush(ends) if isinstance(one, Settled)]
    assert [one.next_claim.claim_id if one.next_claim else None for one in settled] == [None, "s1", None, "s3", None]
    assert [bench.ticket(quest_id).state for quest_id in quests] == ["ready", "running", "ready", "running", "ready"]
    bench.check()


def test_handing_over_costs_no_statement_more_than_a_checkpoint(bench: Workbench) -> None:
    first, second = (bench.submit("a", "b") for _ in range(2))
    claims = [bench.claim(first), bench.claim(second)]
    with statements(bench.database) as alone:
        bench.finish(claims[0])
    with statements(bench.database) as together:
        handed(bench, claims[1])

    assert len(together) == len(alone)
