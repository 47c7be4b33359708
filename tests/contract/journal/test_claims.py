from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import CheckConstraint
from sqlalchemy.exc import IntegrityError

from questline_persistence.claims import Claim, ClaimRequest
from questline_persistence.dialects import Overtime
from questline_persistence.ids import new_claim_id
from questline_persistence.models import LordStep
from questline_persistence.schema import tickets
from questline_persistence.store import Tries
from tests.contract.quests import LONG, Workbench, failure, lost_reply, statements


def test_a_claim_brings_all_that_a_handler_needs(bench: Workbench) -> None:
    given = LordStep("a", "work", params={"x": 1}, max_attempts=5, timeout_seconds=7, backoff_seconds=2)
    quest_id = bench.submit(given, "b", input_data={"service": "auth"}, queue="slow")
    claim = bench.claim(quest_id)

    assert (claim.quest_id, claim.quest_type, claim.namespace, claim.epoch) == (quest_id, "test", "default", 0)
    assert (claim.position, claim.handler, claim.occurrence, claim.queue) == ("0001", "a:work", 1, "slow")
    assert (claim.params, claim.input_data) == ({"x": 1}, {"service": "auth"})
    assert (claim.attempt, claim.lost, claim.version, claim.max_attempts) == (1, 0, 0, 5)
    assert (claim.timeout_seconds, claim.backoff_seconds, claim.start_time) == (7, 2, bench.clock.now())
    assert claim.idempotency_key == f"{quest_id}:0:0001"
    assert claim.fence == bench.ticket(quest_id).fence


def test_the_fence_of_a_claim_is_higher_than_that_of_any_claim_before_it(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    fences = []

    def claim() -> Claim:
        claimed = bench.claim(quest_id)
        fences.append(claimed.fence)
        return claimed

    bench.journal.release(claim())
    bench.journal.fail(failure(claim()))
    claim()
    bench.sweep.run(now=bench.clock.advance(LONG))
    bench._journal = None
    bench.finish(claim(), 1)
    bench.controls.pause(quest_id)
    bench.controls.resume(quest_id)
    bench.journal.fail(failure(claim(), retry_in=None))
    bench.controls.retry(quest_id)
    bench.finish(claim(), 2)
    bench.replay(quest_id)
    with lost_reply(bench.database):
        claim()

    assert fences == sorted(set(fences))
    assert len(fences) == 7


def test_a_claim_moves_the_ticket_to_running_and_the_quest_with_it(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    before = bench.ticket(quest_id)
    claim = bench.claim(quest_id)

    after = bench.ticket(quest_id)
    assert (after.state, after.claim_id, after.worker_id) == ("running", claim.claim_id, claim.worker_id)
    assert after.fence == before.fence + 1
    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.start_time) == ("running", bench.clock.now())
    assert (found.steps[0].status, found.steps[0].attempts) == ("running", 1)


def test_duratiq_8_the_time_of_a_step_counts_from_its_claim_not_from_its_submission(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30))
    now = bench.clock.advance(LONG)
    bench.claim(quest_id)

    assert bench.ticket(quest_id).deadline == pytest.approx(now + 30)


def test_the_second_claim_of_a_step_is_lost(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    before = bench.everything(quest_id)

    assert bench.try_claim(quest_id, bench.worker()) is None
    assert bench.everything(quest_id) == before


def test_a_doorbell_rung_twice_is_one_claim(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    first = bench.request(quest_id)
    bench.advance(quest_id, 1)
    assert bench.journal.claim(first) is None
    assert bench.ticket(quest_id).state == "ready"


def test_a_claim_of_another_epoch_is_lost(bench: Workbench) -> None:
    quest_id = bench.submit("a")

    assert bench.try_claim(quest_id, epoch=1) is None
    bench.replay(quest_id)
    assert bench.try_claim(quest_id, epoch=0) is None
    assert bench.ticket(quest_id).state == "ready"


def test_a_claim_of_another_position_is_lost(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")

    assert bench.try_claim(quest_id, position="0002") is None
    assert bench.ticket(quest_id).state == "ready"


def test_a_claim_takes_only_the_quest_that_it_names(bench: Workbench) -> None:
    named, other = bench.submit("a"), bench.submit("a")
    bench.claim(named)

    assert (bench.ticket(other).state, bench.ticket(other).fence) == ("ready", 1)
    assert (bench.status(named), bench.status(other)) == ("running", "new")


def test_a_worker_that_lacks_the_lord_leaves_the_ticket(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    before = bench.everything(quest_id)

    assert bench.try_claim(quest_id, bench.worker(handlers=["b:work", "a:other"])) is None
    assert bench.try_claim(quest_id, bench.worker(handlers=[])) is None
    assert bench.everything(quest_id) == before
    assert bench.claim(quest_id, bench.worker(handlers=["b:work", "a:work"])).handler == "a:work"


def test_a_step_cannot_be_claimed_before_its_time(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.execute("UPDATE tickets SET available_at = :later", later=bench.clock.now() + 5)

    assert bench.try_claim(quest_id) is None
    bench.clock.advance(5)
    assert bench.claim(quest_id).quest_id == quest_id


@pytest.mark.parametrize("state", ["held", "waiting"])
def test_only_a_ready_ticket_can_be_claimed(bench: Workbench, state: str) -> None:
    quest_id = bench.submit("a")
    bench.execute("UPDATE tickets SET state = :state", state=state)

    assert bench.try_claim(quest_id) is None
    assert bench.ticket(quest_id).state == state


def test_nothing_starts_once_a_pause_is_asked_for(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.execute("UPDATE tickets SET pause_requested = 1")

    assert bench.try_claim(quest_id) is None
    bench.execute("UPDATE tickets SET pause_requested = 0")


def test_nothing_of_an_ended_quest_can_be_claimed(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    request = bench.request(quest_id)
    bench.controls.cancel(quest_id)

    assert bench.journal.claim(request) is None
    assert bench.status(quest_id) == "cancelled"


def test_a_claim_does_not_start_a_quest_that_has_started_already_anew(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    started = bench.clock.now()
    bench.advance(quest_id, 1)
    bench.clock.advance(5)
    bench.claim(quest_id)

    assert bench.repository.load_quest(quest_id).start_time == started


def test_a_claim_whose_reply_was_lost_is_found_again(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    journal = bench.journal
    with lost_reply(bench.database):
        claim = bench.claim(quest_id, journal)

    ticket = bench.ticket(quest_id)
    assert (ticket.claim_id, ticket.fence) == (claim.claim_id, 2)
    assert bench.status(quest_id) == "running"
    assert bench.finish(claim, 1).won


def test_a_lost_reply_gives_nobody_the_claim_of_another(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    held, journal = bench.claim(quest_id), bench.journal
    with lost_reply(bench.database):
        assert journal.claim(bench.request(quest_id)) is None

    assert bench.ticket(quest_id).claim_id == held.claim_id


def test_a_claim_whose_reply_was_lost_is_won_though_its_next_try_takes_too_long(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, tries = bench.journal._claims, list[bool]()

    def once_too_long(*arguments: Any) -> dict[str, Claim]:
        tries.append(True)
        if len(tries) == 2:
            raise Overtime("canceling statement due to statement timeout", blocked=False)
        return claims(*arguments)

    monkeypatch.setattr(bench.journal, "_claims", once_too_long)
    quest_id = bench.submit("a")
    with lost_reply(bench.database):
        won = bench.journal.claim(bench.request(quest_id))

    assert won is not None
    assert (bench.ticket(quest_id).claim_id, len(tries)) == (won.claim_id, 3)


def test_i6_a_claim_whose_reply_was_lost_and_that_was_swept_is_not_won_again(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    journal, request, tries = bench.journal, bench.request(quest_id), Tries()
    tries.again()
    assert journal.claim(request) is not None
    bench.sweep.run(now=bench.clock.advance(LONG))

    assert bench.database.write(lambda connection: journal._claims(connection, [request], tries)) == {}
    assert bench.ticket(quest_id).state == "ready"


def test_i4_no_ticket_runs_without_a_claim(bench: Workbench) -> None:
    quest_id = bench.submit("a")

    for forged in ("state = 'running'", "claim_id = 'x'"):
        with pytest.raises(IntegrityError):
            bench.execute(f"UPDATE tickets SET {forged}")
    assert bench.ticket(quest_id).state == "ready"
    named = {str(one.name) for one in tickets.constraints if isinstance(one, CheckConstraint)}
    assert "ck_tickets_claim" in named


def test_claims_that_race_for_a_step_have_one_winner(bench: Workbench) -> None:
    rounds, racers = 25, 4
    journals = [bench.worker() for _ in range(racers)]
    quest_ids = [bench.submit("a") for _ in range(rounds)]
    barrier = Barrier(racers)

    def race(number: int) -> list[Claim | None]:
        won = []
        for quest_id in quest_ids:
            request = ClaimRequest(quest_id, 0, "0001", new_claim_id())
            barrier.wait(30)
            won.append(journals[number].claim(request))
        return won

    with ThreadPoolExecutor(racers) as pool:
        outcomes = list(zip(*pool.map(race, range(racers)), strict=True))

    assert [sum(claim is not None for claim in outcome) for outcome in outcomes] == [1] * rounds
    for outcome, quest_id in zip(outcomes, quest_ids, strict=True):
        (winner,) = [claim for claim in outcome if claim is not None]
        assert bench.ticket(quest_id).claim_id == winner.claim_id


def test_many_threads_of_one_worker_share_transactions_and_each_gets_its_own_claim(bench: Workbench) -> None:
    quest_ids = [bench.submit("a") for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(bench.claim, quest_ids))

    assert [claim.quest_id for claim in claims] == quest_ids
    assert len({claim.claim_id for claim in claims}) == 40


def test_workers_whose_batches_overlap_in_another_order_do_not_lock_each_other_out(bench: Workbench) -> None:
    """A deadlock would be resolved by PostgreSQL after a second, at the cost of one transaction."""
    journals = [bench.worker(), bench.worker()]
    barrier = Barrier(2)

    for _ in range(5):
        quest_ids = [bench.submit("a") for _ in range(60)]
        requests = [[bench.request(one) for one in order] for order in (quest_ids, quest_ids[::-1])]

        def flush(number: int, requests: list[list[ClaimRequest]] = requests) -> list[object]:
            barrier.wait(30)
            return list(journals[number]._flush(requests[number]))

        with ThreadPoolExecutor(2) as pool, statements(bench.database) as sent:
            outcomes = list(pool.map(flush, range(2)))
        assert sum(one is not None for outcome in outcomes for one in outcome) == 60
        if bench.database.dialect.name == "postgresql":
            assert sum("UPDATE tickets" in statement for statement in sent) == 2, "a batch had to be tried again"
