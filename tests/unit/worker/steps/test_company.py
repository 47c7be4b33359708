import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from questline_persistence.claims import Claim
from questline_scheduler.doorbells import FreeThreads
from questline_worker.steps import Company, RunningStep, RunningSteps
from questline_worker.steps import company as module
from questline_worker.steps.company import APART_SECONDS, LONGEST_APART, TRIAL_SECONDS
from tests.contract.quests import Workbench
from tests.unit.worker.conftest import MakeClaim
from tests.waiting import eventually


class Stage:
    """A company, and the steps that run in it."""

    def __init__(self, bench: Workbench, make_claim: MakeClaim) -> None:
        self.beats = 0
        self.stopping = False
        self.threads = FreeThreads()
        self.running = RunningSteps(bench.register)
        self.company = Company(self.running, self._beat, self.threads, lambda: self.stopping)
        self._make_claim = make_claim

    def claim(self, lost: int = 0, company: int = 0) -> Claim:
        return self._make_claim(lost=lost, company=company)

    def begin(self, lost: int = 0, company: int = 0, *, age: float = 0.0) -> RunningStep:
        """Let a step run that was claimed `age` seconds ago."""
        step = self.running.begin(self.claim(lost, company))
        step.begun -= age
        return step

    def lets_begin(self, claim: Claim, wanted: Callable[[], bool] = lambda: True) -> bool:
        with self.company.turn() as mine:
            assert mine
            return self.company.lets_begin(claim, wanted)

    def _beat(self) -> None:
        self.beats += 1


@pytest.fixture
def stage(bench: Workbench, make_claim: MakeClaim) -> Iterator[Stage]:
    stage = Stage(bench, make_claim)
    yield stage
    stage.stopping = True
    for step in stage.running.all():
        stage.running.end(step.claim)
    eventually(lambda: not stage.company.careful, message="care is taken for nobody")


def test_a_suspect_begins_at_once_where_nothing_runs(stage: Stage) -> None:
    assert stage.lets_begin(stage.claim(1, 9))
    assert stage.lets_begin(stage.claim(1, 1))
    assert stage.beats == 0


def test_a_suspect_begins_only_after_a_heartbeat_that_tells_it_from_those_that_run(stage: Stage) -> None:
    stage.begin(age=TRIAL_SECONDS)
    assert stage.lets_begin(stage.claim(1, 9))
    assert stage.beats == 1


def test_nobody_begins_beside_a_suspect_before_its_trial_is_over(stage: Stage) -> None:
    with stage.company.turn():
        suspect = stage.begin(1, 9)
        assert not stage.company._may_begin(None)
        suspect.begun -= TRIAL_SECONDS
        assert stage.company.opens()
        assert stage.beats == 1


def test_a_trial_is_over_when_its_steps_have_ended(stage: Stage) -> None:
    with stage.company.turn():
        suspect = stage.begin(1, 9)
        assert not stage.company._may_begin(None)
        stage.running.end(suspect.claim)
        assert stage.company._may_begin(None)
        assert stage.beats == 0


def test_more_of_a_large_company_begin_together_and_fewer_after_each_death(stage: Stage) -> None:
    with stage.company.turn():
        for _ in range(10):
            assert stage.company.admits(stage.begin(1, 80))
        assert not stage.company.admits(stage.begin(1, 80))
    assert [module.together(lost, 80) for lost in (1, 2, 3)] == [10, 2, 1]


def test_one_that_is_to_run_alone_waits_until_all_others_have_ended_and_nothing_is_fetched_meanwhile(
    stage: Stage,
) -> None:
    other = stage.begin(age=60.0)
    began: list[bool] = []
    waiter = threading.Thread(target=lambda: began.append(stage.lets_begin(stage.claim(1, 1))))
    waiter.start()
    eventually(lambda: stage.threads._paused)
    assert began == []
    stage.running.end(other.claim)
    waiter.join(10)
    assert began == [True]
    eventually(lambda: not stage.threads._paused)


@pytest.mark.parametrize(
    ("lost", "apart"), [(1, APART_SECONDS), (2, 4 * APART_SECONDS), (3, 16 * APART_SECONDS), (19, LONGEST_APART)]
)
def test_beside_one_that_runs_alone_nobody_begins_for_a_while(stage: Stage, lost: int, apart: float) -> None:
    """The longer, the more workers it has lost: it may be one that kills slowly."""
    with stage.company.turn():
        suspect = stage.begin(lost, 1, age=apart / 2)
        assert not stage.company._may_begin(None)
        other = stage.begin(1, 9)
        assert not stage.company.admits(other)
        stage.running.end(other.claim)
        suspect.begun -= apart / 2  # it may be waiting for them
        assert stage.company.opens()
    eventually(lambda: not stage.company.careful)


def test_one_that_is_to_run_alone_lets_those_go_first_that_come_one_after_the_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.begin(1, 9)
    assert not stage.lets_begin(stage.claim(1, 1))
    monkeypatch.setattr(module, "COURTESY_SECONDS", 0.0)
    monkeypatch.setattr(module, "FIRST_PATIENCE", 0.0)
    asked: list[float] = []
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    assert not stage.lets_begin(stage.claim(1, 1), lambda: bool(asked.append(time.monotonic())))  # type: ignore[func-returns-value]  # None is "no"
    assert asked  # it insisted, until the step was wanted no more


def test_from_the_second_death_on_a_suspect_limits_how_many_run_beside_it(stage: Stage) -> None:
    with stage.company.turn():
        stage.begin(2, 3, age=TRIAL_SECONDS)
        stage.begin(age=60.0)
        assert stage.company._may_begin(None)
        stage.begin(age=60.0)
        assert not stage.company._may_begin(None)


def test_a_step_that_was_lost_and_goes_on_counts_no_more(stage: Stage) -> None:
    stage.begin(age=60.0).lose()
    assert stage.lets_begin(stage.claim(1, 1))
    assert stage.beats == 0


def test_a_wait_that_takes_too_long_opens_the_process_for_as_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage.company._patience = 0.2
    stage.begin(age=60.0)
    assert not stage.lets_begin(stage.claim(1, 1))
    assert "suspect_put_off" in caplog.text
    began = time.monotonic()
    monkeypatch.setattr(stage.company, "_open_until", began + 60.0)
    assert not stage.lets_begin(stage.claim(1, 1))
    assert stage.company._may_begin(None)
    assert stage.company._patience == 0.4


def test_a_process_stays_closed_for_a_suspect_ever_longer_but_never_for_very_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, waits = [float(round(time.monotonic()))], []
    by_hand = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _: now.__setitem__(0, now[0] + 10.0))
    monkeypatch.setattr(module, "time", by_hand)
    stage.begin(age=3_600.0)
    for _ in range(6):
        began = now[0]
        assert not stage.lets_begin(stage.claim(1, 1), wanted=lambda: True)
        waits.append(now[0] - began)
        now[0] = stage.company._open_until
    assert waits == [60.0, 120.0, 240.0, 240.0, 240.0, 240.0]


def test_a_process_that_is_about_to_end_waits_for_no_room(stage: Stage) -> None:
    stage.begin(age=60.0)
    stage.stopping = True
    assert not stage.lets_begin(stage.claim(1, 1))


def test_only_one_thread_claims_at_a_time_where_a_suspect_is(stage: Stage) -> None:
    with stage.company.turn() as first:
        others: list[bool] = []

        def wait() -> None:
            with stage.company.turn() as mine:
                others.append(mine)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(10)
    assert first
    assert others == [False]


def test_care_ends_with_the_last_suspect(stage: Stage) -> None:
    with stage.company.turn():
        suspect = stage.begin(1, 9)
    assert stage.company.careful
    stage.company.run_once()
    assert stage.company.careful
    stage.running.end(suspect.claim)
    eventually(lambda: not stage.company.careful)
