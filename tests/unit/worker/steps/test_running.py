import threading
from concurrent.futures import Future
from typing import Any

import pytest

from questline_persistence.errors import StoreUnavailable
from questline_persistence.ids import new_claim_id
from questline_worker.steps import RunningStep, RunningSteps, running
from tests.contract.quests import Workbench, statements
from tests.unit.worker.conftest import MakeClaim


def test_a_step_asks_the_store_once_a_second_at_most(make_claim: MakeClaim, monkeypatch: pytest.MonkeyPatch) -> None:
    time = [100.0]
    monkeypatch.setattr(running, "uptime", lambda: time[0])
    asked: list[Any] = []
    step = RunningStep(make_claim(), lambda claim: asked.append(claim) or True)
    for _ in range(1000):
        assert step.still_held()
    assert asked == []
    time[0] += running.LOOK_SECONDS
    for _ in range(1000):
        assert step.still_held()
    assert len(asked) == 1


def test_a_step_that_was_lost_stays_lost_and_asks_no_more(
    make_claim: MakeClaim, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = [100.0]
    monkeypatch.setattr(running, "uptime", lambda: time[0])
    asked: list[Any] = []
    step = RunningStep(make_claim(), lambda claim: bool(asked.append(claim)))  # type: ignore[func-returns-value]  # None is "no"
    time[0] += 1
    assert not step.still_held()
    time[0] += 1
    assert not step.still_held()
    assert len(asked) == 1


def test_a_future_is_cancelled_with_the_claim_whichever_comes_first(make_claim: MakeClaim) -> None:
    early, late = RunningStep(make_claim(), lambda _: True), RunningStep(make_claim(), lambda _: True)
    first: Future[None] = Future()
    second: Future[None] = Future()
    early.cancel_with(first)
    early.lose()
    late.lose()
    late.cancel_with(second)
    assert first.cancelled()
    assert second.cancelled()


def test_steps_are_listed_while_they_run(bench: Workbench, make_claim: MakeClaim) -> None:
    steps = RunningSteps(bench.register)
    claim = make_claim()
    with steps.holding(claim) as step:
        assert steps.all() == [step]
    assert steps.all() == []
    with pytest.raises(ValueError, match="x"), steps.holding(claim):
        raise ValueError("x")
    assert steps.all() == []


def test_a_look_finds_the_claims_that_are_gone(bench: Workbench) -> None:
    steps = RunningSteps(bench.register)
    kept, cancelled, replayed = (bench.claim(bench.submit("a", "b")) for _ in range(3))
    with steps.holding(kept) as one, steps.holding(cancelled) as two, steps.holding(replayed) as three:
        steps.check(bench.journal.worker_id)
        assert [step.lost for step in (one, two, three)] == [False, False, False]
        bench.controls.cancel(cancelled.quest_id)
        bench.replay(replayed.quest_id)
        steps.check(bench.journal.worker_id)
        assert [step.lost for step in (one, two, three)] == [False, True, True]


def test_a_look_takes_one_statement_for_all_steps(bench: Workbench) -> None:
    steps = RunningSteps(bench.register)
    claims = [bench.claim(bench.submit("a")) for _ in range(5)]
    with steps.holding(claims[0]), steps.holding(claims[1]), steps.holding(claims[2]):
        with statements(bench.database) as sent:
            steps.check(bench.journal.worker_id)
        assert len([text for text in sent if text.startswith("SELECT")]) == 1


def test_a_claim_that_nobody_here_knows_at_two_looks_is_a_stray(bench: Workbench) -> None:
    steps, worker = RunningSteps(bench.register), bench.journal.worker_id
    known, stray = bench.claim(bench.submit("a")), bench.claim(bench.submit("a"))
    with steps.holding(known):
        assert steps.check(worker) == set(), "it may be about to be listed"
        assert steps.check(worker) == {stray.claim_id}
    bench.finish(stray)
    assert steps.check(worker) == set()


def test_a_claim_that_its_thread_is_about_to_list_is_no_stray_however_long_that_takes(bench: Workbench) -> None:
    steps, worker = RunningSteps(bench.register), bench.journal.worker_id
    claim = bench.claim(bench.submit("a"))
    with steps.expecting(claim.claim_id):
        for _ in range(3):
            assert steps.check(worker) == set()
    steps.check(worker)
    assert steps.check(worker) == {claim.claim_id}


def test_claims_of_another_worker_are_no_strays(bench: Workbench) -> None:
    steps, other = RunningSteps(bench.register), bench.worker()
    bench.claim(bench.submit("a"), other)
    for _ in range(3):
        assert steps.check(bench.journal.worker_id) == set()


def test_a_step_that_is_about_to_commit_is_not_taken_for_lost(bench: Workbench) -> None:
    steps = RunningSteps(bench.register)
    claim = bench.claim(bench.submit("a", "b"))
    with steps.holding(claim) as step:
        step.settle()
        bench.finish(claim)
        steps.check(bench.journal.worker_id)
        assert not step.lost


def test_a_store_that_does_not_answer_takes_no_claim_away(
    bench: Workbench, make_claim: MakeClaim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise StoreUnavailable("away")

    monkeypatch.setattr(bench.register, "holds", away)
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.0)
    with RunningSteps(bench.register).holding(make_claim()) as step:
        assert step.still_held()


def test_many_threads_may_come_and_go(bench: Workbench, make_claim: MakeClaim) -> None:
    steps = RunningSteps(bench.register)

    def come_and_go() -> None:
        for _ in range(200):
            with steps.holding(make_claim(claim_id=new_claim_id())):
                steps.all()

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert steps.all() == []
