import pytest

from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.models import LordStep
from tests.contract.quests import Workbench, failure, quest


def test_a_retried_quest_runs_its_failed_step_again_with_all_of_its_attempts(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1)
    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.fail(quest_id)
    retried = bench.controls.retry(quest_id)

    ticket = bench.ticket(quest_id)
    assert (retried.status, retried.changed) == ("running", True)
    assert [(bell.position, bell.epoch, bell.fence) for bell in retried.doorbells] == [("0002", 0, ticket.fence)]
    assert (ticket.state, ticket.attempt, ticket.lost, ticket.handler) == ("ready", 0, 0, "b:work")
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.error, found.end_time, found.duration_seconds) == ("running", None, None, None)
    bench.advance(quest_id, 2, 3)
    assert bench.repository.load_quest(quest_id).run_data == {"a": 1, "b": 2, "c": 3}
    assert bench.reasons(quest_id) == ["start", "checkpoint", "error", "checkpoint", "completed"]


def test_the_idempotency_key_of_a_retried_step_is_the_same(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    first = bench.claim(quest_id)
    bench.journal.fail(failure(first, retry_in=None))
    bench.controls.retry(quest_id)

    assert bench.claim(quest_id).idempotency_key == first.idempotency_key


def test_a_step_of_a_queue_of_its_own_is_retried_there(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", queue="own"), queue="common")
    bench.fail(quest_id)

    (bell,) = bench.controls.retry(quest_id).doorbells
    assert bell.queue == bench.ticket(quest_id).queue == "own"


def test_a_late_result_from_before_the_failure_does_not_count_after_a_retry(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.journal.fail(failure(late, retry_in=None))
    bench.controls.retry(quest_id)

    assert not bench.finish(late, "late").won
    assert bench.ticket(quest_id).state == "ready"


@pytest.mark.parametrize("ending", ["completed", "cancelled"])
def test_a_quest_that_ended_otherwise_cannot_be_retried(bench: Workbench, ending: str) -> None:
    quest_id = bench.end(ending)
    before = bench.everything(quest_id)

    with pytest.raises(QuestConflict, match=f"is {ending}; retry needs"):
        bench.controls.retry(quest_id)
    assert bench.everything(quest_id) == before


def test_a_live_quest_cannot_be_retried(bench: Workbench) -> None:
    quest_id = bench.submit("a")

    for verb in (bench.claim, bench.controls.pause):
        with pytest.raises(QuestConflict):
            bench.controls.retry(quest_id)
        verb(quest_id)
    assert bench.status(quest_id) == "pausing"


def test_a_quest_can_be_retried_once(bench: Workbench) -> None:
    quest_id = bench.end("failed")
    bench.controls.retry(quest_id)

    with pytest.raises(QuestConflict, match="is running"):
        bench.controls.retry(quest_id)
    assert bench.ticket(quest_id).state == "ready"


def test_a_quest_that_is_not_there_cannot_be_retried(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound):
        bench.controls.retry("nobody")


def test_a_failed_quest_of_which_nothing_remains_cannot_be_retried(bench: Workbench) -> None:
    data = quest("a")
    bench.repository.save_quest(data)
    data.execution_stack, data.status = [], "failed"  # type: ignore[assignment]
    bench.repository.save_quest(data)

    with pytest.raises(QuestConflict, match="no step left"):
        bench.controls.retry(data.quest_id)
    assert not bench.has_ticket(data.quest_id)
