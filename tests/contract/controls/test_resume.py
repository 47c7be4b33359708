import pytest

from questline_persistence.claims import REDISPATCH_FIRST
from questline_persistence.controls import StartingPoint
from questline_persistence.errors import QuestConflict, QuestNotFound
from tests.contract.quests import Workbench, checkpoint, failure, lost_reply, refused_commit


def test_a_resumed_quest_goes_on_where_it_stood(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    bench.controls.pause(quest_id, "night")
    resumed = bench.controls.resume(quest_id)

    ticket = bench.ticket(quest_id)
    assert (resumed.status, resumed.changed) == ("running", True)
    assert [(bell.position, bell.fence) for bell in resumed.doorbells] == [("0002", ticket.fence)]
    assert (ticket.state, ticket.pause_requested) == ("ready", 0)
    assert ticket.ring_at == bench.clock.now() + REDISPATCH_FIRST
    assert bench.repository.load_quest(quest_id).reason is None
    bench.advance(quest_id, 2)
    assert bench.repository.load_quest(quest_id).run_data == {"a": 1, "b": 2}


def test_a_quest_paused_before_its_first_step_is_new_again(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.controls.pause(quest_id)

    assert bench.controls.resume(quest_id).status == "new"
    bench.clock.advance(7)
    bench.claim(quest_id)
    assert bench.repository.load_quest(quest_id).start_time == bench.clock.now()


def test_a_pausing_quest_that_is_resumed_runs_on_and_its_claim_stays_good(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)
    resumed = bench.controls.resume(quest_id)

    assert (resumed.status, resumed.doorbells) == ("running", ())
    assert bench.ticket(quest_id).claim_id == claim.claim_id
    settled = bench.finish(claim, 1)
    assert settled.doorbell is not None
    assert bench.reasons(quest_id) == ["start", "checkpoint"]


def test_a_resumed_step_keeps_its_attempts_and_its_back_off(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.journal.fail(failure(bench.claim(quest_id), retry_in=60.0))
    later = bench.clock.now() + 60
    bench.controls.pause(quest_id)
    (bell,) = bench.controls.resume(quest_id).doorbells

    ticket = bench.ticket(quest_id)
    assert (ticket.attempt, ticket.available_at, bell.available_at) == (1, later, later)
    assert bench.try_claim(quest_id) is None


@pytest.mark.parametrize("ending", ["completed", "failed", "cancelled"])
def test_an_ended_quest_cannot_be_resumed(bench: Workbench, ending: str) -> None:
    quest_id = bench.end(ending)

    with pytest.raises(QuestConflict, match=f"is {ending}; resume needs") as caught:
        bench.controls.resume(quest_id)
    assert caught.value.hint is not None
    assert bench.status(quest_id) == ending


@pytest.mark.parametrize("running", [True, False])
def test_a_quest_that_is_not_paused_cannot_be_resumed(bench: Workbench, *, running: bool) -> None:
    quest_id = bench.submit("a")
    if running:
        bench.claim(quest_id)
    before = bench.everything(quest_id)

    with pytest.raises(QuestConflict):
        bench.controls.resume(quest_id)
    assert bench.everything(quest_id) == before


def test_a_quest_that_is_not_there_cannot_be_resumed(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound):
        bench.controls.resume("nobody")


def test_a_resume_touches_no_other_quest(bench: Workbench) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    for one in (quest_id, other):
        bench.controls.pause(one)
    before = bench.everything(other)
    bench.controls.resume(quest_id)

    assert bench.everything(other) == before


def test_verbs_whose_reply_was_lost_tell_what_they_did(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    with lost_reply(bench.database):
        assert bench.controls.pause(quest_id).changed
    with lost_reply(bench.database):
        assert bench.controls.resume(quest_id).changed
    with lost_reply(bench.database):
        assert bench.controls.cancel(quest_id).changed
    with lost_reply(bench.database):
        assert bench.repository.delete_quest(quest_id)


def test_a_verb_that_came_to_nothing_does_not_answer_as_if_it_had(bench: Workbench) -> None:
    """Another admin was faster between its two tries: the first try's answer is no longer true."""
    quest_id = bench.submit("a")
    with (
        refused_commit(bench.database, lambda: bench.controls.cancel(quest_id)),
        pytest.raises(QuestConflict, match="is cancelled"),
    ):
        bench.controls.pause(quest_id)


def test_a_verb_that_is_tried_again_rings_for_the_ticket_as_it_is_now(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.controls.pause(quest_id)

    def others() -> None:
        bench.controls.resume(quest_id)
        bench.controls.pause(quest_id)

    with refused_commit(bench.database, others):
        resumed = bench.controls.resume(quest_id)
    (ticket,) = bench.everything(quest_id)["tickets"]
    assert [bell.fence for bell in resumed.doorbells] == [ticket.fence]


def test_a_pause_that_is_tried_again_tells_where_the_quest_is_now(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    with refused_commit(bench.database, lambda: bench.journal.checkpoint(checkpoint(claim))):
        paused = bench.controls.pause(quest_id)
    assert (paused.status, paused.changed) == ("paused", True)


def test_a_resume_whose_reply_was_lost_is_told_though_the_quest_has_ended_meanwhile(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.controls.pause(quest_id)

    def runs_to_its_end() -> None:
        bench.journal.checkpoint(checkpoint(bench.claim(quest_id)))

    with lost_reply(bench.database, runs_to_its_end):
        resumed = bench.controls.resume(quest_id)
    assert (resumed.changed, resumed.status) == (True, "completed")


def test_a_cancel_whose_reply_was_lost_does_not_cancel_what_was_replayed_meanwhile(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    with lost_reply(bench.database, lambda: bench.controls.replay(quest_id, StartingPoint(), {})):
        cancelled = bench.controls.cancel(quest_id)
    assert cancelled.changed
    assert bench.status(quest_id) == "running"
