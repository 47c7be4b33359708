import pytest

from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.models import LordStep
from tests.contract.quests import Workbench, lost_reply


def test_a_fork_is_a_new_quest_that_starts_from_a_snapshot_of_another(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c", input_data={"n": 1}, labels={"k": "v"}, queue="slow", priority=3)
    bench.advance(quest_id, 1, 2)
    before = bench.everything(quest_id)
    forked = bench.fork(quest_id, "b")

    found = bench.repository.load_quest(forked)
    assert (found.status, found.epoch, found.version, found.run_data) == ("new", 0, 0, {"a": 1})
    assert (found.input_data, found.labels, found.queue, found.priority) == ({"n": 1}, {"k": "v"}, "slow", 3)
    assert found.forked_from == f"{quest_id}@v1"
    assert [one.lord_name for one in found.execution_stack] == ["b", "c"]
    assert [one.status for one in found.steps] == ["success", "queued", "pending"]
    assert found.progress == {"completed": 1, "remaining": 2}
    assert bench.everything(quest_id) == before


def test_a_fork_runs_on_its_own(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    forked = bench.fork(quest_id, "b")
    claim = bench.claim(forked)
    assert bench.repository.outputs_at(forked, claim.epoch, claim.version) == {"a": 1}
    bench.finish(claim, "other")
    bench.advance(quest_id, "own")

    assert bench.repository.load_quest(forked).run_data == {"a": 1, "b": "other"}
    assert bench.repository.load_quest(quest_id).run_data == {"a": 1, "b": "own"}


def test_a_fork_brings_a_doorbell_for_its_first_step(bench: Workbench) -> None:
    quest_id = bench.submit("a", LordStep("b", "work", queue="own"))
    bench.advance(quest_id, 1)
    forked = bench.fork(quest_id, "b")

    ticket = bench.ticket(forked)
    assert (ticket.position, ticket.handler, ticket.queue, ticket.state) == ("0002", "b:work", "own", "ready")


def test_a_fork_takes_corrections(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", input_data={"n": 1})
    bench.advance(quest_id, 1)
    forked = bench.fork(quest_id, "b", {"input_data.n": 2, "run_data.a": "better"})

    found = bench.repository.load_quest(forked)
    assert (found.input_data, found.run_data) == ({"n": 2}, {"a": "better"})
    assert bench.repository.load_quest(quest_id).input_data == {"n": 1}


def test_a_fork_can_be_replayed_and_forked_from_its_own_beginning(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2, 3)
    forked = bench.fork(quest_id, "b")
    bench.advance(forked, "b", "c")
    bench.replay(forked)
    again = bench.fork(forked)

    for one in (forked, again):
        assert bench.repository.load_quest(one).run_data == {"a": 1}
        assert bench.ticket(one).position == "0002"


def test_a_step_before_a_fork_began_can_be_replayed_without_what_ran_from_there_on(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "a", "c")
    bench.advance(quest_id, 1, 2, 3)
    forked = bench.fork(quest_id, "c")
    bench.advance(forked, 4)

    bench.replay(forked, "b")
    assert bench.ticket(forked).position == "0002"
    assert bench.repository.load_quest(forked).run_data == {"a": 1}
    bench.advance(forked, "two", "three")
    assert bench.repository.load_quest(forked).run_data == {"a": "three", "a#1": 1, "b": "two", "a#2": "three"}
    bench.replay(forked, "a#1")
    assert (bench.ticket(forked).position, bench.repository.load_quest(forked).run_data) == ("0001", {})
    again = bench.fork(forked, "a#1")
    assert [one.lord_name for one in bench.repository.load_quest(again).execution_stack] == ["a", "b", "a", "c"]


def test_what_a_step_pushed_before_a_fork_began_is_pushed_anew_when_that_step_is_replayed(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "c", "d")
    bench.advance(quest_id, 2, 3)
    forked = bench.fork(quest_id, "b")
    bench.advance(forked, 4)

    bench.replay(forked, "a")
    assert [one.lord_name for one in bench.repository.load_quest(forked).execution_stack] == ["a", "b"]
    bench.finish(bench.claim(forked), "one", "c", "d")
    bench.advance(forked, "two", "three", "four")
    assert bench.repository.load_quest(forked).run_data == {"a": "one", "c": "two", "d": "three", "b": "four"}


def test_what_one_of_several_pushed_steps_pushed_before_a_fork_began_cannot_be_told(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "c", "d")
    bench.advance(quest_id, 2, 3)
    forked = bench.fork(quest_id, "b")
    before = bench.everything(forked)

    with pytest.raises(QuestConflict, match="was pushed together with others") as refused:
        bench.replay(forked, "c")
    assert "replay from the step that pushed them, 0001" in refused.value.advice
    assert bench.everything(forked) == before


def test_a_step_that_a_fork_has_not_reached_is_no_start(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1)

    with pytest.raises(QuestConflict, match="has not reached c"):
        bench.replay(bench.fork(quest_id, "b"), "c")


def test_a_fork_of_a_taken_id_is_a_conflict_and_changes_nothing(bench: Workbench) -> None:
    quest_id, taken = bench.submit("a"), bench.submit("b")
    before = bench.everything(taken)

    with pytest.raises(QuestConflict, match="exists already"):
        bench.fork(quest_id, new_id=taken)
    with pytest.raises(QuestConflict, match="exists already"):
        bench.fork(quest_id, new_id=quest_id)
    assert bench.everything(taken) == before


def test_a_fork_whose_reply_was_lost_is_made_once(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    with lost_reply(bench.database):
        forked = bench.fork(quest_id, "b", new_id="forked")

    assert forked == "forked"
    assert len(bench.everything(forked)["quest_steps"]) == 2


def test_a_dry_run_of_a_fork_makes_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.fork(quest_id, new_id="never", dry_run=True)

    assert bench.quest_ids() == [quest_id]


def test_a_fork_of_a_finished_quest_s_end_is_refused(bench: Workbench) -> None:
    quest_id = bench.end("completed")

    with pytest.raises(QuestConflict, match="no step left"):
        bench.fork(quest_id, "v1")
    with pytest.raises(QuestNotFound):
        bench.fork("nobody")
    assert bench.quest_ids() == [quest_id]
