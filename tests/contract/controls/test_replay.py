import pytest

from questline_persistence.controls import StartingPoint
from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.models import LordStep
from questline_persistence.schema import tickets
from tests.contract.quests import Workbench, failure


def test_a_replay_from_the_beginning_runs_all_steps_again_one_epoch_later(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1, 2)
    replayed = bench.replay(quest_id)

    assert (replayed.status, replayed.changed, replayed.epoch, replayed.version) == ("running", True, 1, 3)
    (bell,) = replayed.doorbells
    assert (bell.epoch, bell.position, bell.fence) == (1, "0001", bench.ticket(quest_id).fence)
    found = bench.repository.load_quest(quest_id)
    assert (found.epoch, found.version, found.run_data, found.output_data) == (1, 3, {}, None)
    assert (found.end_time, found.error) == (None, None)
    bench.advance(quest_id, "one", "two")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "one", "b": "two"}
    assert [run.epoch for run in bench.repository.runs(quest_id)] == [0, 0, 1, 1]
    assert bench.reasons(quest_id)[3:] == ["replay", "checkpoint", "completed"]


def test_a_replayed_quest_gives_its_kept_outputs_to_the_next_lords(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2, 3)
    bench.replay(quest_id, "b")
    claim = bench.claim(quest_id)

    assert bench.repository.outputs_at(quest_id, claim.epoch, claim.version) == {"a": 1}
    assert bench.repository.inherited(quest_id, claim.epoch, claim.version) == {"a": 1}
    assert bench.finish(claim, "new").won
    claim = bench.claim(quest_id)
    assert bench.repository.outputs_at(quest_id, claim.epoch, claim.version) == {"a": 1, "b": "new"}
    assert bench.repository.output(quest_id, claim.epoch, claim.version, "b") == '"new"'
    assert bench.repository.output(quest_id, claim.epoch, claim.version, "c") is None


def test_a_quest_that_is_not_there_cannot_be_replayed(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound, match="no quest nobody"):
        bench.replay("nobody")


@pytest.mark.parametrize("how", ["new", "running", "pausing", "paused", "completed", "failed", "cancelled"])
def test_a_quest_can_be_replayed_whatever_it_does(bench: Workbench, how: str) -> None:
    quest_id = bench.end(how) if how in {"completed", "failed", "cancelled"} else bench.submit("a")
    claim = bench.claim(quest_id) if how in {"running", "pausing"} else None
    if how in {"pausing", "paused"}:
        bench.controls.pause(quest_id)
    assert bench.status(quest_id) == how
    bench.replay(quest_id)

    (ticket,) = bench.rows(tickets, quest_id)
    assert (ticket.state, ticket.epoch, ticket.pause_requested, ticket.claim_id) == ("ready", 1, 0, None)
    if claim is not None:
        assert not bench.finish(claim, "late").won
        assert not bench.journal.fail(failure(claim)).won
        assert not bench.journal.release(claim).won
    bench.advance(quest_id, "new")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "new"}


def test_duratiq_4_the_keys_of_a_replayed_step_are_new(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    before = bench.claim(quest_id).idempotency_key
    bench.replay(quest_id)

    assert bench.claim(quest_id).idempotency_key != before


def test_a_replay_of_a_version_that_is_over_is_refused(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    before = bench.everything(quest_id)

    with pytest.raises(QuestConflict, match="at version 1, not 0"):
        bench.replay(quest_id, seen=0)
    assert bench.everything(quest_id) == before
    assert bench.replay(quest_id, seen=1).version == 2


def test_a_dry_run_tells_all_and_changes_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a", "a")
    bench.advance(quest_id, 1)
    before = bench.everything(quest_id)
    told = bench.replay(quest_id, "a", dry_run=True)

    assert (told.changed, told.epoch, told.version, told.doorbells) == (False, 1, 2, ())
    assert told.notice is not None
    assert bench.everything(quest_id) == before


def test_the_plan_of_an_earlier_epoch_stays_as_it_was(bench: Workbench) -> None:
    given = LordStep("a", "work", params={"x": 1}, max_attempts=9, timeout_seconds=5, queue="own")
    quest_id = bench.submit(given, "b")
    bench.replay(quest_id)
    rows = bench.everything(quest_id)["quest_steps"]

    assert [(row.epoch, row.position) for row in rows] == [(0, "0001"), (0, "0002"), (1, "0001"), (1, "0002")]
    assert [row[3:] for row in rows[:2]] == [row[3:] for row in rows[2:]]
    assert bench.ticket(quest_id).queue == "own"


def test_a_quest_without_a_ticket_goes_on_counting_its_fence(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.claim(quest_id)
    before = bench.ticket(quest_id).fence
    bench.controls.cancel(quest_id)
    bench.replay(quest_id)

    assert bench.ticket(quest_id).fence > before


@pytest.mark.parametrize("verb", ["replay", "fork"])
def test_a_dry_run_tells_the_start_the_changes_and_the_steps(bench: Workbench, verb: str) -> None:
    quest_id = bench.submit("a", "b", "c", input_data={"n": 1})
    bench.advance(quest_id, {"x": 1}, 2)
    before = bench.everything(quest_id)
    correction = {"run_data.a.x": 9, "input_data.new": [], "execution_stack.c.params": {"p": 1}}
    if verb == "replay":
        restart = bench.replay(quest_id, "b", correction, dry_run=True).restart
    else:
        start = StartingPoint("b")
        _, restart = bench.controls.fork(quest_id, start, correction, new_id="other", dry_run=True)

    assert restart.to_json() == {
        "start": {"version": 1, "epoch": 0, "position": "0002"},
        "changes": [
            {"path": "run_data.a.x", "old": 1, "new": 9, "added": False},
            {"path": "input_data.new", "old": None, "new": [], "added": True},
            {"path": "execution_stack.c.params", "old": {}, "new": {"p": 1}, "added": False},
        ],
        "reversals": [],
        "keys": [],
        "steps": [
            {"position": "0002", "lord_name": "b", "tool_name": "work"},
            {"position": "0003", "lord_name": "c", "tool_name": "work"},
        ],
    }
    assert bench.everything(quest_id) == before
    assert bench.quest_ids() == [quest_id]
