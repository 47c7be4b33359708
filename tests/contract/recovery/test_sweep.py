import pytest

from questline_persistence.journal import Identity, Journal
from questline_persistence.models import LordStep
from questline_persistence.recovery import Swept
from questline_persistence.schema import runs
from tests.contract.quests import EVERLASTING, HANDLERS, LEASE, LONG, Workbench


def test_a_claim_of_a_worker_whose_lease_is_over_is_freed(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    now = bench.clock.advance(LEASE + 5)
    swept = bench.sweep.run(now=now)

    assert (swept.lost_workers, swept.freed, swept.failed) == ((claim.worker_id,), 1, 0)
    assert [bell.quest_id for bell in swept.doorbells] == [quest_id]
    ticket = bench.ticket(quest_id)
    assert (ticket.state, ticket.attempt, ticket.lost, ticket.claim_id) == ("ready", 0, 1, None)
    (run,) = bench.repository.runs(quest_id)
    assert (run.status, run.claim_id, run.worker_id) == ("error", claim.claim_id, claim.worker_id)
    assert "was lost" in str(run.error_message)


def test_oban_47_minutes_a_claim_of_a_live_worker_is_left_alone_however_long_it_lasts(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=10 * LONG))
    claim = bench.claim(quest_id, bench.worker(lease=EVERLASTING))

    assert bench.sweep.run(now=bench.clock.advance(9 * LONG)) == Swept()
    assert bench.sweep._candidates(bench.clock.now()) == []
    assert bench.ticket(quest_id).claim_id == claim.claim_id


def test_a_swept_claim_is_swept_once(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    assert bench.sweep.run(now=bench.clock.advance(LONG)).freed == 1
    before = bench.everything(quest_id)

    assert bench.sweep.run(now=bench.clock.advance(LONG)) == Swept()
    assert bench.everything(quest_id) == before


def test_steps_that_are_ready_or_held_are_none_of_the_sweep_s_business(bench: Workbench) -> None:
    ready, held = bench.submit("a"), bench.submit("a")
    bench.controls.pause(held)
    before = bench.everything(ready), bench.everything(held)

    assert bench.sweep.run(now=bench.clock.advance(LONG)) == Swept()
    assert bench.sweep._candidates(bench.clock.now()) == []
    assert (bench.everything(ready), bench.everything(held)) == before


def test_a_claim_of_a_worker_that_nobody_knows_is_freed(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    stranger = Journal(bench.database, bench.namespace, Identity("unknown", HANDLERS))
    bench.claim(quest_id, stranger)

    assert bench.sweep.run().freed == 1
    assert bench.ticket(quest_id).state == "ready"


def test_claims_of_a_process_that_is_known_to_be_dead_are_freed_at_once(bench: Workbench) -> None:
    dead, alive = bench.worker(process_id="dead"), bench.worker(process_id="alive")
    taken, kept = bench.submit("a"), bench.submit("a")
    bench.claim(taken, dead)
    bench.claim(kept, alive)

    assert bench.register.declare_dead("dead") == [dead.worker_id]
    assert bench.sweep.run().freed == 1
    assert (bench.ticket(taken).state, bench.ticket(kept).state) == ("ready", "running")


def test_a_timeout_spends_an_attempt_and_waits_for_its_back_off(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30, backoff_seconds=8))
    bench.claim(quest_id, bench.worker(lease=EVERLASTING))
    now = bench.clock.advance(30)
    swept = bench.sweep.run(now=now)

    assert (swept.freed, swept.failed, swept.doorbells, swept.lost_workers) == (1, 0, (), ())
    ticket = bench.ticket(quest_id)
    assert (ticket.state, ticket.attempt, ticket.lost) == ("ready", 1, 0)
    assert now + 4 <= ticket.available_at <= now + 8
    assert bench.repository.runs(quest_id)[0].error_message == "timed out after 30 s"


def test_a_timeout_of_the_last_attempt_fails_the_quest(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30, max_attempts=1))
    bench.claim(quest_id, bench.worker(lease=EVERLASTING))
    swept = bench.sweep.run(now=bench.clock.advance(30))

    assert (swept.freed, swept.failed) == (1, 1)
    assert bench.repository.load_quest(quest_id).error == "timed out after 30 s"


def test_a_step_within_its_time_is_left_alone(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30))
    bench.claim(quest_id, bench.worker(lease=EVERLASTING))

    assert bench.sweep.run(now=bench.clock.advance(29.9)) == Swept()
    assert bench.ticket(quest_id).state == "running"


def test_a_sweep_while_a_pause_was_asked_for_settles_the_pause(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    bench.controls.pause(quest_id)
    swept = bench.sweep.run(now=bench.clock.advance(LONG))

    assert (swept.freed, swept.doorbells) == (1, ())
    assert (bench.status(quest_id), bench.ticket(quest_id).state) == ("paused", "held")


def test_river_1302_a_sweep_checks_again_whether_the_worker_is_dead(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    journal = bench.worker(lease=-LONG)
    claim = bench.claim(quest_id, journal)
    (stale,) = bench.sweep._candidates(bench.clock.now())
    bench.register.renew(journal.worker_id, EVERLASTING)

    assert bench.sweep._freeing.free([stale], bench.clock.now()) == []
    assert bench.ticket(quest_id).claim_id == claim.claim_id
    assert bench.rows(runs, quest_id) == []


def test_river_1302_a_sweep_checks_again_whether_the_time_is_over(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30))
    claim = bench.claim(quest_id, bench.worker(lease=EVERLASTING))
    now = bench.clock.advance(31)
    (stale,) = bench.sweep._candidates(now)
    bench.execute("UPDATE tickets SET deadline = :later", later=now + 60)

    assert bench.sweep._freeing.free([stale], now) == []
    assert bench.ticket(quest_id).claim_id == claim.claim_id


def test_river_1302_a_sweep_frees_no_claim_that_came_after_the_one_it_saw(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=-LONG))
    (stale,) = bench.sweep._candidates(bench.clock.now())
    bench.sweep.run()
    held = bench.claim(quest_id, bench.worker(lease=-LONG))

    assert bench.sweep._freeing.free([stale], bench.clock.now()) == []
    assert bench.ticket(quest_id).claim_id == held.claim_id


@pytest.mark.parametrize("gone", ["lost", "stopped"])
def test_a_lease_counts_only_while_its_worker_is_live(bench: Workbench, gone: str) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=EVERLASTING))
    bench.execute("UPDATE workers SET state = :gone", gone=gone)

    assert bench.sweep.run().freed == 1


def test_a_lease_counts_only_for_the_claims_of_its_own_worker(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=-LONG))
    bench.worker(lease=EVERLASTING)

    assert bench.sweep.run().freed == 1
    assert bench.ticket(quest_id).state == "ready"
