"""Fault 8: any two of the verbs, a claim, a checkpoint, a failure, a release and a sweep at the same moment.

Whatever happens must be what would have happened had the two come one after the other: the same answers and the same
rows. Both orders are tried first, on quests of their own, and every race must end like one of them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from threading import Barrier
from typing import Any

import pytest

from questline_persistence.claims import Claim, ClaimRequest, Settled
from questline_persistence.errors import QuestConflict
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Journal
from tests.contract.quests import LONG, Workbench, checkpoint, failure

#: How often each pair races; SQLite has one writer at a time anyway.
RACES = {"sqlite": 1, "postgresql": 2}


@dataclass(frozen=True)
class Course:
    """A quest that two race for, and the claim that holds its step, if one does."""

    bench: Workbench
    quest_id: str
    claim: Claim | None

    @property
    def held(self) -> Claim:
        assert self.claim is not None, "nothing runs there"
        return self.claim

    @property
    def request(self) -> ClaimRequest:
        """The request to run the quest's first step, as its first doorbell brings it."""
        return ClaimRequest(self.quest_id, 0, "0001", new_claim_id())

    def verb(self, name: str) -> tuple[str, bool]:
        """Call one of an admin's verbs; return what its caller is told."""
        done = getattr(self.bench.controls, name)(self.quest_id)
        return str(done.status), done.changed

    def swept(self) -> int:
        """Sweep what the worker held that is lost; return how many claims that freed."""
        return self.bench.sweep.run(workers_of=[self.held.worker_id]).freed

    def replay(self) -> tuple[str, int]:
        done = self.bench.replay(self.quest_id)
        return str(done.status), done.epoch


def _told(settled: Settled) -> tuple[bool, str | None]:
    return settled.won, settled.status


#: What each racer does, with a worker of its own, and what it is told.
RACERS: dict[str, Callable[[Course, Journal], Any]] = {
    "claim": lambda course, worker: worker.claim(course.request) is not None,
    "checkpoint": lambda course, worker: _told(worker.checkpoint(checkpoint(course.held, 1))),
    "fail": lambda course, worker: _told(worker.fail(failure(course.held))),
    "release": lambda course, worker: _told(worker.release(course.held)),
    "sweep": lambda course, _: course.swept(),
    "pause": lambda course, _: course.verb("pause"),
    "resume": lambda course, _: course.verb("resume"),
    "cancel": lambda course, _: course.verb("cancel"),
    "retry": lambda course, _: course.verb("retry"),
    "replay": lambda course, _: course.replay(),
}
#: Where a quest stands when the race begins, and who may race there.
STARTS = {
    "ready": ("claim", "pause", "cancel", "replay"),
    "running": ("checkpoint", "fail", "release", "sweep", "pause", "cancel", "replay"),
    "pausing": ("checkpoint", "sweep", "pause", "resume", "cancel", "replay"),
    "paused": ("pause", "resume", "cancel", "replay"),
    "failed": ("retry", "replay"),
}


def _course(bench: Workbench, start: str) -> Course:
    """Lead a quest to where the race begins; what runs there is held by a worker whose lease is over."""
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id, bench.worker(lease=-LONG)) if start in {"running", "pausing"} else None
    if start in {"pausing", "paused"}:
        bench.controls.pause(quest_id)
    if start == "failed":
        bench.fail(quest_id)
    return Course(bench, quest_id, claim)


def _answer(course: Course, racer: str, worker: Journal) -> Any:
    try:
        return RACERS[racer](course, worker)
    except QuestConflict:
        return "refused"


def _outcome(course: Course, answers: list[Any]) -> tuple[Any, ...]:
    """Return the answers and what is to be seen of the quest."""
    rows = course.bench.everything(course.quest_id)
    return (
        answers,
        [(row.status, row.epoch) for row in rows["quest_executions"]],
        [(row.state, row.epoch, row.position, row.attempt, row.lost, row.version) for row in rows["tickets"]],
        sorted((run.epoch, run.position, run.status) for run in rows["lord_runs"]),
        [snapshot.snapshot_reason for snapshot in rows["quest_snapshots"]],
    )


def _one_after_the_other(bench: Workbench, start: str, racers: tuple[str, str], workers: list[Journal]) -> Any:
    course = _course(bench, start)
    answers = [_answer(course, racer, worker) for racer, worker in zip(racers, workers, strict=True)]
    return _outcome(course, answers)


def _at_once(bench: Workbench, start: str, racers: tuple[str, str], workers: list[Journal]) -> Any:
    course, barrier = _course(bench, start), Barrier(2)

    def run(racer: str, worker: Journal) -> Any:
        barrier.wait(30)
        return _answer(course, racer, worker)

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(run, racers, workers))
    if "sweep" in racers:  # one leaves alone what another has locked at that moment: the next sweep is soon
        answers[racers.index("sweep")] += course.swept()
    return _outcome(course, answers)


@pytest.mark.parametrize("start", STARTS)
def test_fault_08_two_at_once_end_as_if_one_had_come_after_the_other(bench: Workbench, start: str) -> None:
    workers = [bench.worker(), bench.worker()]
    for first, second in combinations(STARTS[start], 2):
        forth = _one_after_the_other(bench, start, (first, second), workers)
        back = _one_after_the_other(bench, start, (second, first), workers)
        allowed = [forth, (back[0][::-1], *back[1:])]
        for _ in range(RACES[bench.database.dialect.name]):
            seen = _at_once(bench, start, (first, second), workers)
            assert seen in allowed, f"{first} and {second} of a quest that is {start}"
