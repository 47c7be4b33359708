"""Each statement reads and writes the rows that it is about: its own quest's, step's, epoch's, worker's and queue's."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from sqlalchemy import event

from questline_persistence.claims import Claim, ClaimRequest
from questline_persistence.models import LordStep
from questline_persistence.recovery.register import KEEP_ENDED_SECONDS
from questline_persistence.schema import runs
from tests.contract.quests import LONG, Workbench, checkpoint, failure, lost_reply


def pushing(bench: Workbench, quest_id: str, pushed: LordStep) -> Claim:
    """Run a quest's first step, which pushes another, and claim that."""
    assert bench.finish(bench.claim(quest_id), "pushed", pushed).won
    return bench.claim(quest_id)


def replanned(bench: Workbench, first: str, timeout: float) -> str:
    """Return a quest, just replayed, whose first step pushed a step `first` that may take `timeout` seconds."""
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=timeout + 1), "b", quest_type=f"type-{first}")
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
    for other in (quest_ids[0], quest_ids[2]):
        pushing(bench, other, LordStep("g", "work", timeout_seconds=50))
    with lost_reply(bench.database) if reply_lost else nullcontext():
        claim = bench.claim(quest_id)

    ticket = bench.ticket(quest_id)
    assert (claim.quest_id, claim.epoch, claim.position) == (quest_id, 1, "0001.0001")
    assert (claim.quest_type, claim.handler, claim.timeout_seconds) == ("type-d", "f:work", 40)
    assert (ticket.handler, ticket.deadline) == ("f:work", bench.clock.now() + 40)
    request = ClaimRequest(quest_id, 1, "0001.0001", claim.claim_id)
    who = {"worker_id": claim.worker_id, "namespace": "default", "now": bench.clock.now()}
    assert bench.database.read(lambda connection: bench.database.dialect.mine(connection, [request], **who)) == [claim]


def swept(bench: Workbench, _: Claim) -> None:
    now = bench.clock.advance(35)
    assert len(bench.sweep._candidates(now)) == 1
    bench.sweep.run(now=now)


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
    for other in others:
        pushing(bench, other, LordStep("g", "work", timeout_seconds=4_000))
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


def test_a_batch_begins_and_completes_each_quest_with_its_own_and_no_other(bench: Workbench) -> None:
    quest_ids = [bench.submit("a", quest_type=f"type-{number}") for number in range(4)]
    claims = bench.journal._flush([bench.request(quest_id) for quest_id in quest_ids[:3]])
    held = [claim for claim in claims if isinstance(claim, Claim)]
    assert [claim.quest_type for claim in held] == ["type-0", "type-1", "type-2"]
    assert [bench.status(quest_id) for quest_id in quest_ids] == ["running"] * 3 + ["new"]

    bench.journal._flush([checkpoint(claim, claim.quest_type) for claim in held[:2]])
    found = [bench.repository.load_quest(quest_id) for quest_id in quest_ids]
    assert [quest.status for quest in found] == ["completed", "completed", "running", "new"]
    assert [quest.output_data for quest in found[:2]] == ["type-0", "type-1"]


def test_a_pause_that_was_asked_for_is_carried_out_at_its_own_checkpoint_alone(bench: Workbench) -> None:
    quest_ids = [bench.submit("a", "b") for _ in range(3)]
    claims = [bench.claim(quest_id) for quest_id in quest_ids]
    bench.controls.pause(quest_ids[0])

    bench.journal._flush([checkpoint(claim, 1) for claim in claims[:2]])
    assert [bench.status(quest_id) for quest_id in quest_ids] == ["paused", "running", "running"]


def test_a_sweep_of_some_workers_leaves_the_claims_of_others(bench: Workbench) -> None:
    quest_ids, lost = [bench.submit("a") for _ in range(2)], [bench.worker(lease=-LONG) for _ in range(2)]
    for quest_id, journal in zip(quest_ids, lost, strict=True):
        bench.claim(quest_id, journal)

    assert bench.sweep.run(workers_of=[lost[0].worker_id]).freed == 1
    assert [bench.ticket(quest_id).state for quest_id in quest_ids] == ["ready", "running"]


def test_a_stray_claim_is_given_back_by_its_own_worker_and_no_other_claim_with_it(bench: Workbench) -> None:
    journal, other = bench.worker(), bench.worker()
    claims = [bench.claim(bench.submit("a"), journal) for _ in range(3)]

    assert not other.release_stray(claims[1].claim_id).won
    assert journal.release_stray(claims[1].claim_id).won
    assert [bench.ticket(claim.quest_id).state for claim in claims] == ["running", "ready", "running"]


def test_a_claim_holds_its_own_step_and_is_held_by_its_own_worker(open_bench: Callable[..., Workbench]) -> None:
    bench, elsewhere = open_bench(), open_bench("elsewhere")
    claims = [bench.claim(bench.submit("a"), bench.worker()) for _ in range(3)]
    ready = bench.submit("a")

    for claim in claims:
        holder = bench.register.holder_of(claim.quest_id)
        assert holder is not None
        assert (holder.claim_id, holder.worker_id) == (claim.claim_id, claim.worker_id)
        assert bench.register.holds(claim.quest_id, claim.claim_id)
        assert not bench.register.holds(claim.quest_id, "another")
        assert not bench.register.holds(ready, claim.claim_id)
        assert not elsewhere.register.holds(claim.quest_id, claim.claim_id)
        assert elsewhere.register.holder_of(claim.quest_id) is None
    assert bench.register.holder_of(ready) is None


def test_a_worker_enters_once_and_is_forgotten_by_its_own_namespace(open_bench: Callable[..., Workbench]) -> None:
    bench, elsewhere = open_bench(), open_bench("elsewhere")
    with lost_reply(bench.database):
        journal = bench.worker()
    bench.register.leave(journal.worker_id)
    long_after = bench.clock.now() + 100 * KEEP_ENDED_SECONDS

    assert elsewhere.register.forget(now=long_after) == 0
    assert bench.register.forget(now=long_after) == 1


def test_bells_of_some_queues_are_asked_for_alone(bench: Workbench) -> None:
    quest_ids = [bench.submit("a", queue=queue) for queue in ("fast", "slow")]
    bench.clock.advance(LONG)

    assert [bell.quest_id for bell in bench.bells.due(queues=["fast"])] == quest_ids[:1]


def test_the_bell_of_a_quest_is_its_own_and_of_a_step_that_may_run(
    open_bench: Callable[..., Workbench],
) -> None:
    bench, elsewhere = open_bench(), open_bench("elsewhere")
    quest_id, other = bench.submit("a"), bench.submit("a")
    bell = bench.bells.bell_of(quest_id)
    assert bell is not None
    assert (bell.quest_id, bell.position) == (quest_id, "0001")
    assert elsewhere.bells.bell_of(quest_id) is None

    bench.journal.fail(failure(bench.claim(other), retry_in=60))
    assert bench.bells.bell_of(other) is None
    bench.claim(quest_id)
    assert bench.bells.bell_of(quest_id) is None


def test_a_handler_is_unknown_where_neither_the_asker_nor_a_live_worker_of_the_namespace_knows_it(
    open_bench: Callable[..., Workbench],
) -> None:
    bench, elsewhere = open_bench(), open_bench("elsewhere")
    quest_id, handlers = bench.submit("a"), ["a:work"]
    elsewhere.worker(handlers=handlers)
    assert bench.bells.unknown_handler(quest_id, handlers) is None
    assert bench.bells.bell_of(quest_id, handlers=handlers) is not None
    assert bench.bells.unknown_handler(quest_id, []) == "a:work"
    assert bench.bells.bell_of(quest_id, handlers=["b:work"]) is None
    assert elsewhere.bells.unknown_handler(quest_id, []) is None

    worker = bench.worker(handlers=handlers)
    assert bench.bells.unknown_handler(quest_id, []) is None
    bench.register.leave(worker.worker_id)
    assert bench.bells.unknown_handler(quest_id, []) == "a:work"
    bench.claim(quest_id)
    assert bench.bells.unknown_handler(quest_id, []) is None, "somebody runs it"


def test_to_ring_for_all_leaves_the_turn_of_those_that_are_due_already(bench: Workbench) -> None:
    first = bench.submit("a")
    due = bench.ticket(first).ring_at
    bench.clock.advance(LONG)
    bench.submit("a")

    assert bench.bells.ring_all() == 1
    assert bench.ticket(first).ring_at == due


def test_a_verb_sees_the_ticket_that_a_quest_gains_between_its_two_locks(postgres_url: str) -> None:
    """Only on PostgreSQL: nothing comes between two statements of a writer on SQLite."""
    bench, other = Workbench(postgres_url), Workbench(postgres_url)
    quest_id, retried = bench.end("failed"), list[bool]()

    def come_between(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT quest_executions") and not retried:
            retried.append(other.controls.retry(quest_id).changed)

    event.listen(bench.database.engine, "before_cursor_execute", come_between)
    assert bench.controls.cancel(quest_id).changed
    assert retried == [True]
    assert not bench.has_ticket(quest_id)
    bench.close()
    other.close()
