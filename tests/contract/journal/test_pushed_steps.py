import pytest

from questline_persistence.claims import Settled
from questline_persistence.errors import PayloadError
from questline_persistence.journal.pushed_steps import MAX_POSITION_LENGTH
from questline_persistence.models import MAX_STEPS, LordStep
from questline_persistence.schema import runs, steps
from questline_persistence.states import ExecutionStatus
from questline_scheduler.doorbells import message_for
from questline_scheduler.doorbells.bell_message import bell_named
from tests.contract.quests import LONG, Workbench, lost_reply


def positions(bench: Workbench, quest_id: str) -> list[str]:
    return [row.position for row in bench.rows(steps, quest_id)]


def test_pushed_steps_come_right_after_the_step_that_pushed_them(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    settled = bench.finish(bench.claim(quest_id), 1, "c", "d")

    assert settled.doorbell is not None
    assert settled.doorbell.position == "0001.0001"
    assert positions(bench, quest_id) == ["0001", "0001.0001", "0001.0002", "0002"]
    found = bench.repository.load_quest(quest_id)
    assert [one.lord_name for one in found.execution_stack] == ["c", "d", "b"]
    bench.advance(quest_id, 2, 3, 4)
    assert bench.repository.load_quest(quest_id).run_data == {"a": 1, "c": 2, "d": 3, "b": 4}
    assert [run.lord_name for run in bench.repository.runs(quest_id)] == ["a", "c", "d", "b"]


def test_a_pushed_step_can_push_steps_of_its_own(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "c", "d")
    bench.finish(bench.claim(quest_id), 2, "e")
    bench.advance(quest_id, 3, 4, 5)

    assert [run.position for run in bench.repository.runs(quest_id)] == [
        "0001",
        "0001.0001",
        "0001.0001.0001",
        "0001.0002",
        "0002",
    ]
    assert bench.status(quest_id) == "completed"


def test_steps_pushed_by_the_last_step_keep_the_quest_going(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    assert bench.finish(bench.claim(quest_id), 1, "b").status is None
    bench.advance(quest_id, 2)

    assert bench.repository.load_quest(quest_id).output_data == 2


def test_a_pushed_step_keeps_its_options(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    pushed = LordStep("b", "work", params={"x": 1}, max_attempts=9, timeout_seconds=5, backoff_seconds=0, queue="own")
    bench.finish(bench.claim(quest_id), 1, pushed)

    assert bench.repository.load_quest(quest_id).execution_stack == [pushed]
    assert bench.claim(quest_id).params == {"x": 1}


def test_the_same_lord_pushed_several_times_is_counted(bench: Workbench) -> None:
    quest_id = bench.submit("a", "a")
    bench.finish(bench.claim(quest_id), 1, "a", "b")

    assert [(row.position, row.occurrence) for row in bench.rows(steps, quest_id)] == [
        ("0001", 1),
        ("0001.0001", 3),
        ("0001.0002", 1),
        ("0002", 2),
    ]


def test_pushed_steps_of_a_fenced_checkpoint_leave_the_plan_unchanged(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    bench.claim(quest_id, bench.worker())
    before = bench.everything(quest_id)

    assert bench.finish(late, 1, "c") == Settled(won=False)
    assert bench.everything(quest_id) == before


def test_a_late_claim_that_pushes_what_its_successor_pushed_is_fenced(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    assert bench.finish(bench.claim(quest_id, bench.worker()), 1, "c").won
    before = bench.everything(quest_id)

    assert bench.finish(late, 1, "c") == Settled(won=False)
    assert bench.everything(quest_id) == before


def test_a_checkpoint_that_pushes_and_whose_reply_was_lost_pushes_once(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    with lost_reply(bench.database):
        assert bench.finish(claim, 1, "c").won
    assert bench.finish(claim, 1, "c").won

    assert positions(bench, quest_id) == ["0001", "0001.0001", "0002"]
    assert len(bench.rows(runs, quest_id)) == 1


def test_a_pause_that_was_asked_for_holds_the_first_pushed_step(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)

    assert bench.finish(claim, 1, "c").status is ExecutionStatus.PAUSED
    assert (bench.ticket(quest_id).state, bench.ticket(quest_id).position) == ("held", "0001.0001")


def test_a_quest_may_not_grow_beyond_the_limit(bench: Workbench) -> None:
    quest_id = bench.submit(*["a"] * (MAX_STEPS - 1))
    claim = bench.claim(quest_id)

    with pytest.raises(PayloadError, match="longer than 9,999 steps"):
        bench.finish(claim, 1, "b", "c")
    assert bench.ticket(quest_id).claim_id == claim.claim_id
    assert bench.finish(claim, 1, "b").won


def test_pushed_params_that_are_no_json_write_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    before = bench.everything(quest_id)

    with pytest.raises(PayloadError, match=r"params of step 0001\.0001"):
        bench.finish(claim, 1, LordStep("b", "work", params={"x": object()}))
    assert bench.everything(quest_id) == before


def test_a_replay_from_before_a_push_forgets_the_pushed_steps(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "c")
    bench.replay(quest_id)
    assert [one.lord_name for one in bench.repository.load_quest(quest_id).steps] == ["a", "b"]

    bench.finish(bench.claim(quest_id), 1, "d")
    assert [one.lord_name for one in bench.repository.load_quest(quest_id).steps] == ["a", "d", "b"]


def test_a_replay_can_start_at_a_pushed_step(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.finish(bench.claim(quest_id), 1, "c")
    bench.advance(quest_id, 2, 3)
    for start in ("c", "0001.0001"):
        bench.replay(quest_id, start)
        assert bench.ticket(quest_id).position == "0001.0001"
        assert bench.repository.load_quest(quest_id).run_data == {"a": 1}


def test_a_long_chain_of_steps_that_push_their_successor_stays_flat(bench: Workbench) -> None:
    """Every position must fit into a doorbell, or the broker would throw it away."""
    quest_id = bench.submit("a", "b")
    for number in range(30):
        settled = bench.finish(bench.claim(quest_id), number, "a")
        assert settled.doorbell is not None
        assert bell_named(message_for(settled.doorbell).message_id, "default") is not None

    assert positions(bench, quest_id)[:3] == ["0001", "0001.0001", "0001.0002"]
    assert positions(bench, quest_id)[-2:] == ["0001.0030", "0002"]


def test_steps_that_push_several_go_deep_only_as_far_as_a_position_may_be_long(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    for number in range((MAX_POSITION_LENGTH - len("0001")) // len(".0001")):
        bench.finish(bench.claim(quest_id), number, "a", "b")
    deepest = bench.claim(quest_id)
    with pytest.raises(PayloadError, match="too deep"):
        bench.finish(deepest, "result", "a", "b")

    assert max(map(len, positions(bench, quest_id))) <= MAX_POSITION_LENGTH
