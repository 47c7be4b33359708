"""The timeline: attempts and waits on an axis from which idle time is folded."""

from itertools import pairwise
from typing import Any

from questline_gateway.dashboard.timeline import FIRST_LABEL, FOLD_WIDTH, LABEL_WIDTH, Timeline, timeline_of
from questline_persistence.models import LordRun, StepView
from questline_persistence.records import TicketView
from questline_persistence.states import RunStatus, StepStatus, TicketState


def step(position: str, status: StepStatus) -> StepView:
    return StepView.model_construct(
        position=position, lord_name="lord", tool_name="tool", status=status, attempts=1, max_attempts=3
    )


def run(position: str, start: float, end: float, status: RunStatus = RunStatus.SUCCESS, **more: Any) -> LordRun:
    fields = {"run_id": int(start * 100), "epoch": 0, "attempt_number": 1, "lost": False}
    return LordRun.model_construct(position=position, start_time=start, end_time=end, status=status, **fields | more)


def ticket(position: str, state: TicketState, claimed_at: float | None = None, attempt: int = 0) -> TicketView:
    return TicketView(position, "lord:tool", state, attempt, 0, 0, 0.0, "default", None, claimed_at, None, None)


def drawn(*parts: StepView | LordRun | TicketView, now: float = 1_000.0, fold: bool = True, epoch: int = 0) -> Timeline:
    steps = [each for each in parts if isinstance(each, StepView)]
    runs = [each for each in parts if isinstance(each, LordRun)]
    tickets = [each for each in parts if isinstance(each, TicketView)]
    return timeline_of(steps, runs, tickets, epoch=epoch, now=now, fold=fold)


def kinds(timeline: Timeline) -> list[list[str]]:
    return [[bar.kind for bar in lane.bars] for lane in timeline.lanes]


def test_attempts_that_failed_stand_with_their_waits_and_numbers() -> None:
    timeline = drawn(
        step("0001", StepStatus.ERROR),
        step("0002", StepStatus.PENDING),
        run("0001", 0, 10, RunStatus.ERROR, attempt_number=1),
        run("0001", 14, 20, RunStatus.ERROR, attempt_number=2),
    )
    assert kinds(timeline) == [["bad", "wait", "bad"], ["later"]]
    assert [bar.number for bar in timeline.lanes[0].bars] == ["1", "", "2"]
    assert timeline.lanes[0].seconds == 16


def test_a_long_idle_gap_is_folded_to_a_fixed_width() -> None:
    parts = (
        step("0001", StepStatus.SUCCESS),
        step("0002", StepStatus.SUCCESS),
        run("0001", 0, 10),
        run("0002", 8_010, 8_020),
    )
    folded, whole = drawn(*parts), drawn(*parts, fold=False)
    assert [fold.seconds for fold in folded.folds] == [8_000]
    first, second = folded.lanes[0].bars[0], folded.lanes[1].bars[0]
    assert abs(second.x - (first.x + first.width) - FOLD_WIDTH) < 0.01
    assert abs(first.width - second.width) < 0.01
    assert whole.folds == ()
    assert whole.lanes[0].bars[0].width < 1
    assert folded.busy == 20


def test_a_short_gap_is_not_folded() -> None:
    assert drawn(step("0001", StepStatus.SUCCESS), run("0001", 0, 10), run("0001", 20, 30)).folds == ()


def test_a_running_step_reaches_to_now() -> None:
    timeline = drawn(
        step("0001", StepStatus.RUNNING), ticket("0001", TicketState.RUNNING, claimed_at=990.0), now=1_000.0
    )
    assert kinds(timeline) == [["run"]]
    assert timeline.lanes[0].seconds == 10
    assert timeline.end == 1_000


def test_a_step_that_waits_for_its_next_attempt_says_so() -> None:
    timeline = drawn(
        step("0001", StepStatus.QUEUED), run("0001", 0, 10, RunStatus.ERROR), ticket("0001", TicketState.READY)
    )
    assert kinds(timeline) == [["bad", "wait"]]


def test_a_step_that_a_replay_has_kept_shows_the_attempts_of_the_epoch_in_which_it_ran() -> None:
    timeline = drawn(
        step("0001", StepStatus.SUCCESS),
        step("0002", StepStatus.PENDING),
        run("0001", 0, 10, epoch=0),
        run("0002", 10, 20, RunStatus.ERROR, epoch=0),
        epoch=1,
    )
    assert kinds(timeline) == [["ok"], ["later"]]


def test_a_quest_that_has_not_begun_has_lanes_and_no_axis() -> None:
    timeline = drawn(step("0001", StepStatus.QUEUED), step("0002", StepStatus.PENDING))
    assert kinds(timeline) == [["later"], ["later"]]
    assert (timeline.start, timeline.ticks, timeline.busy) == (None, (), 0.0)


def test_bars_stay_on_the_axis_and_are_never_too_narrow_to_see() -> None:
    runs = [run("0001", number * 0.01, number * 0.01 + 0.000_1) for number in range(50)]
    for bar in drawn(step("0001", StepStatus.SUCCESS), *runs).lanes[0].bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= 100
        assert bar.width >= 0.4


def test_an_instant_is_drawn() -> None:
    assert kinds(drawn(step("0001", StepStatus.SUCCESS), run("0001", 5, 5))) == [["ok"]]


def test_the_labels_of_the_axis_leave_each_other_room() -> None:
    for seconds in (0.003, 1.7, 2.9, 40, 86_000):
        first, *others = drawn(step("0001", StepStatus.SUCCESS), run("0001", 0, seconds)).ticks
        marks = [first.x + FIRST_LABEL, *(tick.x for tick in others)]

        assert others
        assert all(after - before >= LABEL_WIDTH for before, after in pairwise(marks)), marks
