"""The plans and schedules are drawn from the seed alone."""

import random

from questline_persistence.suspicion import MAX_LOST
from tests.chaos.parameters import LANES, Fault, long, short
from tests.chaos.plan import MAX_ATTEMPTS, QuestPlan, digest
from tests.chaos.world.nemesis import schedule

PLANS = [QuestPlan(7, number) for number in range(300)]


def test_a_plan_is_the_same_whenever_it_is_drawn() -> None:
    first, again = PLANS[3].quest(), QuestPlan(7, 3).quest()
    assert first.execution_stack == again.execution_stack
    assert first.execution_stack != QuestPlan(8, 3).quest().execution_stack


def test_every_result_hangs_on_seed_epoch_position_and_the_result_before() -> None:
    given = ("seed", 0, "0001", "before")
    others = [
        ("another", *given[1:]),
        ("seed", 1, *given[2:]),
        ("seed", 0, "0002", "before"),
        ("seed", 0, "0001", None),
    ]
    assert len({digest(*given), *(digest(*other) for other in others)}) == 5


def test_a_pushing_plan_has_its_pushed_steps_right_after_the_one_that_pushes() -> None:
    pushing = next(plan for plan in PLANS if len(list(plan.positions())) == 7)
    positions = list(pushing.positions())
    assert positions == sorted(positions)
    assert sum("." in position for position in positions) == 2


def test_some_plans_push_fail_at_first_and_have_a_gate_and_none_fails_for_good() -> None:
    params = [step.params for plan in PLANS for step in plan.quest().execution_stack]
    for what in ("pushing", "gated", "failures"):
        assert any(step[what] for step in params), what
    assert max(step["failures"] for step in params) < MAX_ATTEMPTS
    assert MAX_LOST > 1


def test_every_fault_is_in_one_lane_and_scheduled_as_often_as_asked_for() -> None:
    assert sorted(fault for lane in LANES.values() for fault in lane) == sorted(Fault)
    parameters = long()
    for lane in LANES:
        due = schedule(parameters, lane, random.Random(1))  # noqa: S311  (no secret)
        times = [when for when, _ in due]
        assert times == sorted(times)
        assert all(0 <= when <= parameters.seconds for when in times)
        assert {fault: sum(fault is one for _, one in due) for fault in LANES[lane]} == {
            fault: parameters.faults[fault] for fault in LANES[lane]
        }


def test_the_short_soak_has_every_fault_at_least_once() -> None:
    assert all(short().faults[fault] >= 1 for fault in Fault)
