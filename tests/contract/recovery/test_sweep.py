from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from questline_persistence.errors import StoreUnavailable
from questline_persistence.journal import Ending
from questline_persistence.models import LordStep
from questline_persistence.recovery import Recovery, Swept, freeing, low_water
from questline_persistence.recovery import recovery as recovery_module
from questline_persistence.recovery.freeing import ALONE_AFTER, LONGEST_SPREAD
from questline_persistence.schema import runs
from questline_persistence.suspicion import MAX_LOST, MAX_LOST_IN_ALL
from tests.contract.quests import LEASE, LONG, Workbench, failure

EVERLASTING = 1_000 * LONG


def test_a_claim_of_a_worker_whose_lease_is_over_is_freed(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    now = bench.clock.advance(LEASE + 5)
    swept = bench.recovery.sweep(now=now)

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

    assert bench.recovery.sweep(now=bench.clock.advance(9 * LONG)) == Swept()
    assert bench.recovery._candidates(bench.clock.now()) == []
    assert bench.ticket(quest_id).claim_id == claim.claim_id


def test_a_swept_claim_is_swept_once(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    assert bench.recovery.sweep(now=bench.clock.advance(LONG)).freed == 1
    before = bench.everything(quest_id)

    assert bench.recovery.sweep(now=bench.clock.advance(LONG)) == Swept()
    assert bench.everything(quest_id) == before


def test_steps_that_are_ready_or_held_are_none_of_the_sweep_s_business(bench: Workbench) -> None:
    ready, held = bench.submit("a"), bench.submit("a")
    bench.controls.pause(held)
    before = bench.everything(ready), bench.everything(held)

    assert bench.recovery.sweep(now=bench.clock.advance(LONG)) == Swept()
    assert bench.recovery._candidates(bench.clock.now()) == []
    assert (bench.everything(ready), bench.everything(held)) == before


def test_a_claim_of_a_worker_that_nobody_knows_is_freed(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    journal = bench.worker()
    journal.worker_id = "unknown"
    bench.claim(quest_id, journal)

    assert bench.recovery.sweep().freed == 1
    assert bench.ticket(quest_id).state == "ready"


def test_claims_of_a_process_that_is_known_to_be_dead_are_freed_at_once(bench: Workbench) -> None:
    dead, alive = bench.worker(process_id="dead"), bench.worker(process_id="alive")
    taken, kept = bench.submit("a"), bench.submit("a")
    bench.claim(taken, dead)
    bench.claim(kept, alive)

    assert bench.register.declare_dead("dead") == [dead.worker_id]
    assert bench.recovery.sweep().freed == 1
    assert (bench.ticket(taken).state, bench.ticket(kept).state) == ("ready", "running")


def test_a_step_that_outlives_three_workers_fails_its_quest(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    for number in range(1, MAX_LOST + 1):
        bench.clock.advance(LONGEST_SPREAD)
        bench.claim(quest_id, bench.worker(process_id=str(number)))
        bench.register.declare_dead(str(number))
        swept = bench.recovery.sweep()
        assert (swept.freed, swept.failed) == (1, int(number == MAX_LOST))

    found = bench.repository.load_quest(quest_id)
    assert found.status == "failed"
    assert f"{MAX_LOST} workers have died" in str(found.error)
    assert (found.steps[0].attempts, found.steps[0].lost) == (0, MAX_LOST)
    assert not bench.has_ticket(quest_id)


def test_steps_that_die_together_are_charged_with_nothing_and_recorded_once_however_the_sweeps_find_them(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_module, "MAX_SWEEP", 1)
    quest_ids = [bench.submit("a") for _ in range(3)]
    worker = bench.worker(process_id="dead")
    for quest_id in quest_ids:
        bench.claim(quest_id, worker)
    (dead,) = bench.register.declare_dead("dead")
    parts = bench.recovery.free_dead(bench.clock.now(), workers_of=[dead])

    assert next(parts).freed == 1  # of three: another sweep finds the others
    assert bench.recovery.sweep().freed == 2
    found = [bench.ticket(quest_id) for quest_id in quest_ids]
    assert [(row.lost, row.lost_alone, row.company) for row in found] == [(1, 0, 3)] * 3


def test_a_step_that_ran_beside_others_is_suspected_as_weigh_says(bench: Workbench) -> None:
    old, new = bench.submit("a"), bench.submit("a")
    worker = bench.worker(process_id="dead", lease=EVERLASTING)
    bench.claim(old, worker)
    bench.execute("UPDATE tickets SET lost = 1, company = 9")
    bench.execute("UPDATE workers SET heartbeat_at = :later", later=bench.clock.now() + 1)
    bench.clock.advance(2)
    bench.claim(new, worker)
    bench.register.declare_dead("dead")
    now = bench.clock.now()

    assert bench.recovery.sweep().freed == 2
    assert [(bench.ticket(each).lost_alone, bench.ticket(each).company) for each in (old, new)] == [(0, 9), (0, 1)]
    assert [bench.ticket(each).available_at - now for each in (old, new)] == [0, ALONE_AFTER]


def test_a_lost_worker_is_charged_to_the_one_step_that_it_ran(bench: Workbench) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    worker = bench.worker(process_id="1")
    bench.claim(quest_id, worker)
    bench.claim(other, worker)
    bench.register.declare_dead("1")
    bench.recovery.sweep()
    bench.clock.advance(LONG)
    claim = bench.claim(quest_id, bench.worker(process_id="2"))
    assert (claim.lost, claim.company) == (1, 2)
    bench.register.declare_dead("2")
    bench.recovery.sweep()

    found = bench.ticket(quest_id)
    assert (found.lost, found.lost_alone, found.company) == (2, 1, 1)


def test_a_checkpoint_acquits(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.claim(quest_id, bench.worker(process_id="dead"))
    bench.register.declare_dead("dead")
    bench.recovery.sweep()
    bench.advance(quest_id, 1)
    bench.claim(quest_id, bench.worker(process_id="dead again"))
    bench.register.declare_dead("dead again")
    bench.recovery.sweep()

    assert (bench.ticket(quest_id).lost, bench.ticket(quest_id).lost_alone) == (1, 1)


def test_no_step_loses_workers_for_ever_though_it_never_runs_alone(bench: Workbench) -> None:
    quest_id, beside = bench.submit("a"), bench.submit("b")
    for number in range(1, MAX_LOST_IN_ALL + 1):
        worker = bench.worker(process_id=str(number))
        bench.clock.advance(ALONE_AFTER)
        bench.claim(quest_id, worker)
        bench.claim(beside, worker)
        bench.register.declare_dead(str(number))
        assert bench.recovery.sweep().failed == 2 * (number == MAX_LOST_IN_ALL)

    assert f"{MAX_LOST_IN_ALL} workers have died" in str(bench.repository.load_quest(quest_id).error)


def test_how_many_workers_a_step_may_kill_is_a_setting(bench: Workbench) -> None:
    recovery = Recovery(bench.database, "default", max_lost=1)
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=-LONG))

    assert recovery.sweep().failed == 1
    assert "1 workers" not in str(bench.repository.load_quest(quest_id).error)


def test_lost_workers_spend_no_attempt(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", max_attempts=1))
    bench.claim(quest_id, bench.worker(process_id="dead"))
    bench.register.declare_dead("dead")
    bench.recovery.sweep()

    assert bench.claim(quest_id).attempt == 1


def test_a_timeout_spends_an_attempt_and_waits_for_its_back_off(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30, backoff_seconds=8))
    bench.claim(quest_id, bench.worker(lease=EVERLASTING))
    now = bench.clock.advance(30)
    swept = bench.recovery.sweep(now=now)

    assert (swept.freed, swept.failed, swept.doorbells, swept.lost_workers) == (1, 0, (), ())
    ticket = bench.ticket(quest_id)
    assert (ticket.state, ticket.attempt, ticket.lost) == ("ready", 1, 0)
    assert now + 4 <= ticket.available_at <= now + 8
    assert bench.repository.runs(quest_id)[0].error_message == "timed out after 30 s"


def test_a_timeout_of_the_last_attempt_fails_the_quest(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30, max_attempts=1))
    bench.claim(quest_id, bench.worker(lease=EVERLASTING))
    swept = bench.recovery.sweep(now=bench.clock.advance(30))

    assert (swept.freed, swept.failed) == (1, 1)
    assert bench.repository.load_quest(quest_id).error == "timed out after 30 s"


def test_a_step_within_its_time_is_left_alone(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30))
    bench.claim(quest_id, bench.worker(lease=EVERLASTING))

    assert bench.recovery.sweep(now=bench.clock.advance(29.9)) == Swept()
    assert bench.ticket(quest_id).state == "running"


def test_a_sweep_while_a_pause_was_asked_for_settles_the_pause(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    bench.controls.pause(quest_id)
    swept = bench.recovery.sweep(now=bench.clock.advance(LONG))

    assert (swept.freed, swept.doorbells) == (1, ())
    assert (bench.status(quest_id), bench.ticket(quest_id).state) == ("paused", "held")


def test_river_1302_a_sweep_checks_again_whether_the_worker_is_dead(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    journal = bench.worker(lease=-LONG)
    claim = bench.claim(quest_id, journal)
    (stale,) = bench.recovery._candidates(bench.clock.now())
    bench.register.renew(journal.worker_id, EVERLASTING)

    assert bench.recovery._freeing.free([stale], bench.clock.now()) == []
    assert bench.ticket(quest_id).claim_id == claim.claim_id
    assert bench.rows(runs, quest_id) == []


def test_river_1302_a_sweep_checks_again_whether_the_time_is_over(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", timeout_seconds=30))
    claim = bench.claim(quest_id, bench.worker(lease=EVERLASTING))
    now = bench.clock.advance(31)
    (stale,) = bench.recovery._candidates(now)
    bench.execute("UPDATE tickets SET deadline = :later", later=now + 60)

    assert bench.recovery._freeing.free([stale], now) == []
    assert bench.ticket(quest_id).claim_id == claim.claim_id


def test_river_1302_a_sweep_frees_no_claim_that_came_after_the_one_it_saw(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=-LONG))
    (stale,) = bench.recovery._candidates(bench.clock.now())
    bench.recovery.sweep()
    held = bench.claim(quest_id, bench.worker(lease=-LONG))

    assert bench.recovery._freeing.free([stale], bench.clock.now()) == []
    assert bench.ticket(quest_id).claim_id == held.claim_id


@pytest.mark.parametrize("gone", ["lost", "stopped"])
def test_a_lease_counts_only_while_its_worker_is_live(bench: Workbench, gone: str) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=EVERLASTING))
    bench.execute("UPDATE workers SET state = :gone", gone=gone)

    assert bench.recovery.sweep().freed == 1


def test_a_lease_counts_only_for_the_claims_of_its_own_worker(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=-LONG))
    bench.worker(lease=EVERLASTING)

    assert bench.recovery.sweep().freed == 1
    assert bench.ticket(quest_id).state == "ready"


def test_river_1318_duratiq_12_poison_rows_do_not_starve_the_recovery_of_others(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_module, "MAX_SWEEP", 4)
    quest_ids = [bench.submit("a") for _ in range(8)]
    journal = bench.worker(process_id="dead")
    for quest_id in quest_ids:
        bench.claim(quest_id, journal)
    bench.register.declare_dead("dead")
    poison = set(quest_ids[:4])
    real = freeing._ending

    def ending(*args: Any) -> Ending:
        found = real(*args)
        return replace(found, error=None) if found.quest_id in poison else found  # type: ignore[arg-type]

    monkeypatch.setattr(freeing, "_ending", ending)
    assert bench.recovery.sweep().freed == 4

    states = {quest_id: bench.ticket(quest_id).state for quest_id in quest_ids}
    assert states == {quest_id: "running" if quest_id in poison else "ready" for quest_id in quest_ids}


def test_a_record_that_the_store_refuses_is_found_in_a_full_batch_and_costs_no_other_one(bench: Workbench) -> None:
    quest_ids = [bench.submit("a") for _ in range(20)]
    bad = quest_ids[7]
    assert bench.journal.fail(failure(bench.claim(bad))).won
    for quest_id in quest_ids:
        bench.claim(quest_id, bench.worker(lease=-LONG))
    bench.execute("CREATE UNIQUE INDEX one_error ON lord_runs (quest_id) WHERE status = 'error'")

    assert bench.recovery.sweep().freed == 20
    assert {len(bench.repository.runs(quest_id)) for quest_id in quest_ids} == {1}
    assert [bench.ticket(quest_id).lost for quest_id in quest_ids] == [1] * 20
    bench.execute("DROP INDEX one_error")


def test_many_sweeps_at_once_free_each_claim_once(bench: Workbench) -> None:
    quest_ids = [bench.submit("a") for _ in range(20)]
    journal = bench.worker(process_id="dead")
    for quest_id in quest_ids:
        bench.claim(quest_id, journal)
    bench.register.declare_dead("dead")
    with ThreadPoolExecutor(4) as pool:
        swept = list(pool.map(lambda _: bench.recovery.sweep(), range(4)))

    assert sum(one.freed for one in swept) == 20
    assert [bench.ticket(quest_id).lost for quest_id in quest_ids] == [1] * 20


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("table", ["tickets", "quest_executions"])
def test_a_row_that_somebody_keeps_locked_keeps_no_other_claim_from_being_freed(bench: Workbench, table: str) -> None:
    locked, other, final, locked_final = quest_ids = [bench.submit("a") for _ in range(4)]
    for quest_id in quest_ids:
        bench.claim(quest_id, bench.worker(lease=-LONG))
    last = "UPDATE tickets SET lost = :most WHERE quest_id IN (:one, :two)"
    bench.execute(last, most=MAX_LOST_IN_ALL - 1, one=final, two=locked_final)

    lock = text(f"SELECT 1 FROM {table} WHERE quest_id IN (:one, :two) FOR UPDATE")
    with bench.database.engine.connect() as somebody:
        somebody.execute(lock, {"one": locked, "two": locked_final})
        swept = bench.recovery.sweep()
        assert (swept.failed, bench.ticket(other).state) == (1, "ready")
        assert bench.ticket(locked_final).state == "running"
        assert bench.repository.load_quest(final).status == "failed"

    assert bench.recovery.sweep().failed == 1
    assert bench.ticket(locked).state == "ready"


def test_a_worker_whose_row_somebody_keeps_locked_keeps_no_other_from_being_declared_lost(postgres_url: str) -> None:
    """As one does that was frozen while it prolonged its lease."""
    bench = Workbench(postgres_url)
    frozen, dead = bench.worker(lease=-LONG), bench.worker(lease=-LONG)
    with bench.database.engine.connect() as somebody:
        lock = text("SELECT 1 FROM workers WHERE worker_id = :frozen FOR UPDATE")
        somebody.execute(lock, {"frozen": frozen.worker_id})
        assert bench.recovery.sweep().lost_workers == (dead.worker_id,)

    assert bench.recovery.sweep().lost_workers == (frozen.worker_id,)
    bench.close()


def test_a_row_that_cannot_be_ended_is_told_of_once(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.claim(bench.submit("a"), bench.worker(lease=-LONG))
    told: list[str] = []
    monkeypatch.setattr(freeing.log, "error", lambda event, **_: told.append(event))
    with monkeypatch.context() as patched:
        patched.setattr(freeing, "end_together", lambda *_, **__: 1 // 0)
        assert bench.recovery.sweep().freed == 0
    assert told == ["sweep_failed"]


def test_only_workers_whose_lease_is_over_are_declared_lost(bench: Workbench) -> None:
    late, fine = bench.worker(lease=-LONG), bench.worker(lease=EVERLASTING)

    assert bench.recovery.sweep().lost_workers == (late.worker_id,)
    assert bench.recovery.sweep().lost_workers == ()
    assert not bench.register.renew(late.worker_id, LEASE)
    assert bench.register.renew(fine.worker_id, LEASE)


def test_a_failure_of_the_store_is_not_taken_for_a_bad_row(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.claim(bench.submit("a"), bench.worker(lease=-LONG))

    def broken(*_: object, **__: object) -> None:
        raise StoreUnavailable("the store is gone")

    monkeypatch.setattr(freeing, "end_together", broken)
    with pytest.raises(StoreUnavailable, match="the store is gone"):
        bench.recovery.sweep()


def test_a_lost_worker_counts_although_the_store_takes_no_record_of_it(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    for _ in range(MAX_LOST):
        bench.claim(quest_id, bench.worker(lease=-LONG))
        if bench.database.dialect.name == "sqlite":
            refuse = "BEGIN SELECT raise(abort, 'refused'); END"
            bench.execute(f"CREATE TRIGGER IF NOT EXISTS no BEFORE INSERT ON lord_runs {refuse}")
        else:
            bench.execute("ALTER TABLE lord_runs ADD CHECK (status <> 'error') NOT VALID")
        bench.recovery.sweep()
        bench.clock.advance(LONG)

    assert (bench.status(quest_id), bench.repository.runs(quest_id)) == ("failed", [])


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a look at all claims count as one that takes long."""
    monkeypatch.setattr(low_water, "CHEAP_SECONDS", 0.0)
    monkeypatch.setattr(low_water, "REST", float("inf"))


@pytest.mark.usefixtures("dear")
def test_where_a_look_at_all_claims_is_dear_those_of_workers_that_ended_are_freed_all_the_same(
    bench: Workbench,
) -> None:
    quest_ids = [bench.submit("a") for _ in range(3)]
    lost, dead, late = (bench.worker(lease=lease) for lease in (5.0, LONG, LONG))
    for quest_id, worker in zip(quest_ids, (lost, dead, late), strict=True):
        bench.claim(quest_id, worker)
    for _ in range(2):
        assert [*bench.recovery.free_dead(bench.clock.now())] == []
    bench.clock.advance(10)
    bench.execute("UPDATE tickets SET deadline = :now WHERE quest_id = :q", now=bench.clock.now(), q=quest_ids[2])
    bench.recovery.declare_lost(bench.clock.now())
    bench.execute(
        "UPDATE workers SET state = 'lost', ended_at = :now WHERE worker_id = :w",
        now=bench.clock.now(),
        w=dead.worker_id,
    )

    assert sum(swept.freed for swept in bench.recovery.free_dead(bench.clock.now())) == 2
    assert [bench.ticket(quest_id).state for quest_id in quest_ids] == ["ready", "ready", "running"]
    bench.clock.advance(1)
    assert bench.recovery.sweep().freed == 1, "asked for in so many words, the look is whole"


@pytest.mark.usefixtures("dear")
def test_a_dear_look_at_all_claims_comes_again_after_a_while(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_water, "LONGEST_SECONDS", 0.0)
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=LONG))
    for _ in range(2):
        assert [*bench.recovery.free_dead(bench.clock.now())] == []
    bench.execute("UPDATE tickets SET deadline = :now", now=bench.clock.now())

    assert sum(swept.freed for swept in bench.recovery.free_dead(bench.clock.now())) == 1
