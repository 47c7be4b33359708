"""Each statement reads and writes the rows that it is about: its own quest's, step's, epoch's, worker's and queue's."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest

from questline_persistence.claims import Claim
from questline_persistence.models import LordStep
from questline_persistence.tables import runs
from tests.contract.quests import LONG, Workbench, failure, lost_reply


def pushing(bench: Workbench, quest_id: str, pushed: LordStep) -> Claim:
    """Run a quest's first step, which pushes another, and claim that."""
    assert bench.finish(bench.claim(quest_id), "pushed", pushed).won
    return bench.claim(quest_id)


def replanned(bench: Workbench, first: str, timeout: float) -> str:
    """Return a quest, just replayed, whose first step pushed a step `first` that may take `timeout` seconds."""
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=timeout + 1), "b")
    bench.journal.release(pushing(bench, quest_id, LordStep(first, "work", timeout_seconds=timeout)))
    bench.replay(quest_id)
    return quest_id


@pytest.mark.parametrize("reply_lost", [False, True])
def test_a_claim_is_of_the_step_that_its_own_quest_plans_there_in_this_epoch(
    bench: Workbench, *, reply_lost: bool
) -> None:
    quest_ids = [replanned(bench, lord, timeout) for lord, timeout in (("c", 10), ("d", 20), ("e", 30))]
    quest_id = quest_ids[1]
    assert bench.finish(bench.claim(quest_id), "again", LordStep("f", "work", timeout_seconds=40)).won
    bench.claim(quest_ids[0])
    bench.claim(quest_ids[2])
    with lost_reply(bench.database) if reply_lost else nullcontext():
        claim = bench.claim(quest_id)

    ticket = bench.ticket(quest_id)
    assert (claim.quest_id, claim.epoch, claim.position) == (quest_id, 1, "0001.0001")
    assert (claim.handler, claim.timeout_seconds) == ("f:work", 40)
    assert (ticket.handler, ticket.deadline) == ("f:work", bench.clock.now() + 40)


def swept(bench: Workbench, _: Claim) -> None:
    now = bench.clock.advance(35)
    assert len(bench.recovery._candidates(now)) == 1
    bench.recovery.sweep(now=now)


@pytest.mark.parametrize(
    "end",
    [
        lambda bench, claim: bench.finish(claim, 1),
        lambda bench, claim: bench.journal.fail(failure(claim)),
        lambda bench, claim: bench.journal.fail(failure(claim, retry_in=None)),
        swept,
    ],
    ids=["checkpoint", "failure", "last failure", "sweep"],
)
def test_a_run_is_of_the_step_that_its_own_quest_plans_there_in_this_epoch(
    bench: Workbench, end: Callable[[Workbench, Claim], object]
) -> None:
    journal = bench._journal = bench.worker(lease=LONG)
    others = [replanned(bench, "c", 1_000), replanned(bench, "e", 3_000)]
    quest_id = replanned(bench, "d", 2_000)
    claim = pushing(bench, quest_id, LordStep("f", "work", timeout_seconds=30))
    before = [bench.everything(other) for other in others]
    known = len(bench.rows(runs, quest_id))
    assert claim.worker_id == journal.worker_id
    end(bench, claim)

    (run,) = bench.rows(runs, quest_id)[known:]
    assert (run.lord_name, run.epoch, run.position, run.claim_id) == ("f", 1, "0001.0001", claim.claim_id)
    assert [bench.everything(other) for other in others] == before


def test_pushed_steps_are_counted_and_placed_within_the_plan_of_their_own_quest_and_epoch(bench: Workbench) -> None:
    def run(quest_id: str) -> tuple[str, int]:
        assert bench.finish(pushing(bench, quest_id, LordStep("c", "work")), 1, LordStep("c", "work")).won
        claim = bench.claim(quest_id)
        return claim.position, claim.occurrence

    first, second = bench.submit("a", "b"), bench.submit("a", "b")
    assert run(first) == run(second) == ("0001.0002", 2)
    bench.replay(first)
    assert run(first) == ("0001.0002", 2)


def test_a_sweep_of_some_workers_leaves_the_claims_of_others(bench: Workbench) -> None:
    quest_ids, lost = [bench.submit("a") for _ in range(2)], [bench.worker(lease=-1.0) for _ in range(2)]
    for quest_id, journal in zip(quest_ids, lost, strict=True):
        bench.claim(quest_id, journal)

    assert bench.recovery.sweep(workers_of=[lost[0].worker_id]).freed == 1
    assert [bench.ticket(quest_id).state for quest_id in quest_ids] == ["ready", "running"]


def test_a_stray_claim_is_given_back_by_its_own_worker_and_no_other_claim_with_it(bench: Workbench) -> None:
    journal, other = bench.worker(), bench.worker()
    claims = [bench.claim(bench.submit("a"), journal) for _ in range(3)]

    assert not other.release_stray(claims[1].claim_id).won
    assert journal.release_stray(claims[1].claim_id).won
    assert [bench.ticket(claim.quest_id).state for claim in claims] == ["running", "ready", "running"]


def test_bells_of_some_queues_are_asked_for_alone(bench: Workbench) -> None:
    quest_ids = [bench.submit("a", queue=queue) for queue in ("fast", "slow")]
    bench.clock.advance(LONG)

    assert [bell.quest_id for bell in bench.recovery.due(queues=["fast"])] == quest_ids[:1]


def test_the_bell_of_a_quest_is_its_own_and_of_a_step_that_may_run(
    open_bench: Callable[..., Workbench],
) -> None:
    bench, elsewhere = open_bench(), open_bench("elsewhere")
    quest_id, other = bench.submit("a"), bench.submit("a")
    bell = bench.recovery.bell_of(quest_id)
    assert bell is not None
    assert (bell.quest_id, bell.position) == (quest_id, "0001")
    assert elsewhere.recovery.bell_of(quest_id) is None

    bench.journal.fail(failure(bench.claim(other), retry_in=60))
    assert bench.recovery.bell_of(other) is None
    bench.claim(quest_id)
    assert bench.recovery.bell_of(quest_id) is None


def test_to_ring_for_all_leaves_the_turn_of_those_that_are_due_already(bench: Workbench) -> None:
    first = bench.submit("a")
    due = bench.ticket(first).ring_at
    bench.clock.advance(LONG)
    bench.submit("a")

    assert bench.recovery.ring_all() == 1
    assert bench.ticket(first).ring_at == due
