import pytest

from questline_persistence.claims import Settled
from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.schema import runs
from tests.contract.quests import LONG, Workbench, failure


def test_a_cancelled_quest_has_ended_and_keeps_what_it_has(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1)
    bench.clock.advance(5)
    cancelled = bench.controls.cancel(quest_id, "not needed")

    assert (cancelled.status, cancelled.changed) == ("cancelled", True)
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.reason, found.version, found.run_data) == ("cancelled", "not needed", 1, {"a": 1})
    assert (found.end_time, found.duration_seconds) == (bench.clock.now(), pytest.approx(5))
    assert [one.status for one in found.steps] == ["success", "skipped", "skipped"]


def test_the_result_of_a_step_that_ran_while_its_quest_was_cancelled_is_dropped(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.controls.cancel(quest_id)
    before = bench.everything(quest_id)

    assert bench.finish(claim, 1) == Settled(won=False)
    assert not bench.journal.fail(failure(claim)).won
    assert not bench.journal.fail(failure(claim, retry_in=None)).won
    assert not bench.journal.release(claim).won
    assert bench.everything(quest_id) == before


def test_a_worker_sees_that_it_no_longer_holds_a_cancelled_step(bench: Workbench) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    journal = bench.worker()
    bench.claim(quest_id, journal)
    kept = bench.claim(other, journal)
    bench.controls.cancel(quest_id)

    assert bench.register.held([journal.worker_id]) == {kept.claim_id}


def test_i7_nothing_but_a_verb_moves_a_cancelled_quest(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.claim(quest_id)
    bench.controls.cancel(quest_id)
    before = bench.everything(quest_id)
    bench.clock.advance(LONG)
    bench.sweep.run()
    bench.bells.wake()

    assert bench.bells.due() == []
    assert bench.everything(quest_id) == before


@pytest.mark.parametrize("how", ["new", "running", "pausing", "paused"])
def test_a_live_quest_can_be_cancelled_whatever_it_does(bench: Workbench, how: str) -> None:
    quest_id = bench.submit("a", "b")
    if how in {"running", "pausing"}:
        bench.claim(quest_id)
    if how in {"pausing", "paused"}:
        bench.controls.pause(quest_id)
    assert bench.status(quest_id) == how

    bench.controls.cancel(quest_id)
    assert bench.status(quest_id) == "cancelled"
    assert not bench.has_ticket(quest_id)


def test_cancelling_twice_changes_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.controls.cancel(quest_id, "first")
    before = bench.everything(quest_id)
    bench.clock.advance(5)

    assert not bench.controls.cancel(quest_id, "second").changed
    assert bench.everything(quest_id) == before


@pytest.mark.parametrize("ending", ["completed", "failed"])
def test_a_quest_that_ended_otherwise_cannot_be_cancelled(bench: Workbench, ending: str) -> None:
    quest_id = bench.end(ending)

    with pytest.raises(QuestConflict, match=f"is {ending}; cancel needs"):
        bench.controls.cancel(quest_id)
    assert bench.status(quest_id) == ending


def test_a_quest_that_is_not_there_cannot_be_cancelled(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound):
        bench.controls.cancel("nobody")


def test_a_cancellation_touches_no_other_quest(bench: Workbench) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    before = bench.everything(other)
    bench.controls.cancel(quest_id)

    assert bench.everything(other) == before
    assert bench.rows(runs, quest_id) == []
