"""The checker finds what it is there to find: each forged history breaks one rule."""

from dataclasses import replace

import pytest

from tests.chaos.forgery import PID, Forger
from tests.chaos.history.audit import Event
from tests.chaos.history.records import Quest, Standstill
from tests.chaos.plan import QuestPlan
from tests.chaos.rules.calls import AGAIN, SERVED
from tests.chaos.rules.checker import check, count
from tests.chaos.rules.violation import Harm

LATE = "a committed step does not run again"
PAUSED = "I8 nothing starts once paused was reported"


@pytest.fixture
def forger() -> Forger:
    """The history of a quest of five steps that pushes none, and remembers nothing."""
    plans = (QuestPlan(1, number) for number in range(100))
    return Forger(next(plan for plan in plans if len(list(plan.positions())) == 5 and not plan.remembers))


@pytest.fixture
def remembering() -> Forger:
    """The history of a quest that has run, and pushed nothing, whose steps remember."""
    plans = (QuestPlan(1, number) for number in range(100))
    forger = Forger(next(plan for plan in plans if len(list(plan.positions())) == 5 and plan.remembers))
    forger.run(*forger.positions)
    return forger


def rules(forger: Forger) -> set[str]:
    return {violation.rule for violation in check(forger.history)}


def test_a_clean_history_breaks_no_rule(forger: Forger) -> None:
    forger.run(*forger.positions)
    assert check(forger.history) == []
    assert count([]) == dict.fromkeys(Harm, 0)


def test_a_clean_history_with_a_pause_a_lost_worker_and_a_cancel_breaks_no_rule(forger: Forger) -> None:
    first, second, third, *_ = forger.positions
    forger.run(first)
    forger.claim(second, "dead")
    forger.begin(second, "dead")
    forger.lose(second, "dead")
    forger.run(second)
    forger.pause(third)
    forger.resume(third)
    forger.run(third)
    forger.cancel(forger.positions[3])
    assert check(forger.history) == []


def test_a_quest_that_is_gone_is_lost(forger: Forger) -> None:
    assert [violation.harm for violation in check(forger.history)] == [Harm.LOST]


def test_a_quest_that_goes_on_for_ever_is_stuck(forger: Forger) -> None:
    forger.run(*forger.positions[:3])
    assert count(check(forger.history))[Harm.STUCK] == 1


def test_a_quest_that_failed_is_lost(forger: Forger) -> None:
    forger.run(*forger.positions)
    forger.history.quests[forger.quest_id] = Quest(forger.quest_id, "failed", 0, 5, None)
    assert rules(forger) == {"no fault fails a quest"}


def test_a_completed_quest_without_one_of_its_steps_is_found(forger: Forger) -> None:
    forger.run(*forger.positions)
    del forger.history.runs[2]
    assert rules(forger) == {"a completed quest has every step"}


def test_a_result_that_does_not_follow_from_its_inputs_is_found(forger: Forger) -> None:
    forger.run(*forger.positions)
    forger.history.runs[1] = replace(forger.history.runs[1], output='"another"')
    assert rules(forger) == {"results are what their inputs make them"}


def test_a_step_committed_twice_is_found(forger: Forger) -> None:
    forger.run(*forger.positions[:2])
    forger.begin("0002", "zombie")
    twice = forger.event("run", op="INSERT", position="0002", state="success", claim_id="zombie")
    forger.transaction(twice)
    forger.run(*forger.positions[2:])
    assert {"I2 one success per step", "I6 only the holder commits"} <= rules(forger)
    assert count(check(forger.history))[Harm.DOUBLED] == 1


def test_a_commit_by_a_claim_that_was_swept_is_found(forger: Forger) -> None:
    forger.claim("0001", "zombie")
    forger.begin("0001", "zombie")
    forger.lose("0001", "zombie")
    forger.claim("0001", "heir")
    forger.begin("0001", "heir")
    forger.commit("0001", "zombie")
    forger.run(*forger.positions[1:])
    assert rules(forger) == {"I6 only the holder commits"}


def test_a_committed_step_that_is_claimed_again_is_found(forger: Forger) -> None:
    forger.run("0001")
    forger.transaction(forger.event("ticket", position="0001", state="ready", fence=forger.rise()))
    forger.claim("0001", "again")
    assert "a committed step is not claimed again" in rules(forger)


def test_a_step_taken_from_a_holder_without_a_sweep_is_found(forger: Forger) -> None:
    forger.claim("0001", "first")
    forger.claim("0001", "second")
    assert "only a ready step is claimed" in rules(forger)


def test_a_step_that_the_checkpoint_before_it_has_claimed_breaks_no_rule(forger: Forger) -> None:
    forger.claim("0001", "first")
    forger.begin("0001", "first")
    forger.commit("0001", "first", next_claim_id="second")
    forger.begin("0002", "second")
    forger.commit("0002", "second")
    forger.run(*forger.positions[2:])
    assert rules(forger) == set()


def test_a_step_that_is_claimed_by_one_whose_result_was_not_committed_is_found(forger: Forger) -> None:
    forger.claim("0001", "first")
    forger.transaction(forger.held("0002", "second"))
    assert "only a ready step is claimed" in rules(forger)


def test_a_body_that_runs_without_a_claim_is_found(forger: Forger) -> None:
    forger.run(*forger.positions)
    forger.begin("0003", "nobody's")
    assert "a body runs under its claim" in rules(forger)


def test_a_claim_that_runs_its_body_twice_is_found(forger: Forger) -> None:
    forger.claim("0001")
    forger.begin("0001")
    forger.begin("0001")
    forger.commit("0001")
    forger.run(*forger.positions[1:])
    assert rules(forger) == {"a claim runs its step once"}


def test_a_result_that_no_body_made_is_found(forger: Forger) -> None:
    forger.claim("0001")
    forger.commit("0001")
    forger.run(*forger.positions[1:])
    assert rules(forger) == {"a result comes from a body that ran"}


@pytest.mark.parametrize("frozen", [True, False])
def test_a_body_after_its_steps_commit_is_found_unless_its_process_was_frozen(forger: Forger, *, frozen: bool) -> None:
    forger.claim("0001", "sleeper")
    forger.transaction(forger.event("ticket", position="0001", state="ready", fence=forger.rise()))
    forger.run(*forger.positions)
    forger.begin("0001", "sleeper", pid=PID + 1)
    if frozen:
        forger.history.standstills.append(Standstill(2.0, forger.now, PID + 1))
    assert rules(forger) == (set() if frozen else {LATE})


def test_a_late_body_of_a_claim_that_was_swept_breaks_no_rule(forger: Forger) -> None:
    forger.claim("0001", "sleeper")
    forger.lose("0001", "sleeper")
    forger.run(*forger.positions)
    forger.begin("0001", "sleeper")
    assert check(forger.history) == []


def test_a_gap_in_the_versions_is_found(forger: Forger) -> None:
    forger.run(*forger.positions)
    forger.change_events(lambda event: None if event.kind == "snapshot" and event.version == 2 else event)
    assert rules(forger) == {"I3 versions have no gap"}


def test_a_run_that_is_changed_is_found(forger: Forger) -> None:
    forger.run(*forger.positions)
    forger.transaction(forger.event("run", position="0002", state="success", claim_id="claim-0002"))
    assert rules(forger) == {"I1 runs are only added"}


def test_a_fence_that_does_not_rise_is_found(forger: Forger) -> None:
    forger.run(*forger.positions)

    def repeat(event: Event) -> Event:
        return replace(event, fence=4) if event.fence == 5 else event

    forger.change_events(repeat)
    assert rules(forger) == {"I5 the fence rises"}


def test_a_claim_after_paused_was_reported_is_found(forger: Forger) -> None:
    forger.run("0001")
    forger.pause("0002")
    forger.run("0002")
    assert {PAUSED, "I8 nothing starts in a paused quest", "nothing starts once a pause was asked for"} <= rules(forger)


def test_a_body_after_paused_was_reported_is_found(forger: Forger) -> None:
    forger.claim("0001", "late")
    forger.transaction(forger.event("ticket", position="0001", state="ready", fence=forger.rise()))
    forger.pause("0001")
    forger.now += 1.0
    forger.begin("0001", "late")
    assert PAUSED in rules(forger)


def test_a_pause_of_a_running_step_is_found(forger: Forger) -> None:
    forger.claim("0001")
    forger.transaction(forger.event("quest", state="pausing"), forger.event("quest", state="paused"))
    assert "a paused quest's step is held" in rules(forger)


def test_a_commit_after_cancelled_was_reported_is_found(forger: Forger) -> None:
    forger.run("0001")
    forger.cancel("0002")
    forger.run("0002")
    assert "nothing is committed once cancelled was reported" in rules(forger)
    assert "I7 nothing starts in an ended quest" in rules(forger)


def test_a_cancelled_quest_that_comes_back_by_itself_is_found(forger: Forger) -> None:
    forger.cancel("0001")
    forger.transaction(forger.event("quest", state="running"))
    assert "I7 an ended quest stays as it is" in rules(forger)


def test_a_replay_that_nobody_asked_for_is_found(forger: Forger) -> None:
    forger.run(*forger.positions)
    forger.transaction(forger.snapshot("0001", "replay"))
    assert "no replay happens unasked" in rules(forger)


@pytest.mark.parametrize(("before", "found"), [(False, {AGAIN}), (True, set[str]())])
def test_a_call_that_a_later_claim_makes_again_is_found_and_one_of_a_frozen_worker_is_not(
    remembering: Forger, before: bool, found: set[str]
) -> None:
    history, position = remembering.history, remembering.positions[1]
    of_step = next(event for event in history.events if event.claim_id == f"claim-{position}")
    seq = of_step.seq - 1 if before else of_step.seq + 1
    history.events.append(replace(of_step, claim_id="another", seq=seq))
    call = next(entry for entry in history.ledger if entry.word == "call" and entry.key.endswith(position))
    history.ledger.append(replace(call, claim_id="another"))

    assert rules(remembering) & {AGAIN} == found


def test_a_result_that_is_not_what_was_recorded_is_found(remembering: Forger) -> None:
    calls = remembering.history.calls
    calls[2] = replace(calls[2], result="another")
    del calls[4]
    assert [violation.rule for violation in check(remembering.history)] == [SERVED, SERVED]


TOGETHER = "a result and what its step kept come together"


def test_steps_that_remember_with_their_results_break_no_rule(remembering: Forger) -> None:
    assert check(remembering.history) == []
    assert len(remembering.history.kept) == 15


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_result_whose_state_event_or_count_is_missing_is_found(remembering: Forger, part: int) -> None:
    del remembering.history.kept[12 + part]
    assert rules(remembering) == {TOGETHER}


def test_what_an_attempt_without_a_result_has_kept_is_found(remembering: Forger) -> None:
    remembering.history.kept += [replace(remembering.history.kept[13], number=6, epoch=1, value="of another")]
    assert rules(remembering) == {TOGETHER, "a step keeps what it says"}


def test_a_gap_and_a_lost_count_are_found(remembering: Forger) -> None:
    kept = remembering.history.kept
    kept[13] = replace(kept[13], number=7)
    kept[14] = replace(kept[14], value="4")
    assert rules(remembering) == {"I24 numbers run without gap", "each step adds one to the counter"}
