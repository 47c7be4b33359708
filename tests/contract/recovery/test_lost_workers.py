import pytest
from sqlalchemy import text

from questline_persistence.models import LordStep
from questline_persistence.recovery import Sweep
from questline_persistence.recovery import sweep as sweep_module
from questline_persistence.recovery.freeing import ALONE_AFTER, LONGEST_SPREAD
from questline_persistence.suspicion import MAX_LOST, MAX_LOST_IN_ALL
from tests.contract.quests import EVERLASTING, LEASE, LONG, Workbench


def test_a_step_that_outlives_three_workers_fails_its_quest(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    for number in range(1, MAX_LOST + 1):
        bench.clock.advance(LONGEST_SPREAD)
        bench.claim(quest_id, bench.worker(process_id=str(number)))
        bench.register.declare_dead(str(number))
        swept = bench.sweep.run()
        assert (swept.freed, swept.failed) == (1, int(number == MAX_LOST))

    found = bench.repository.load_quest(quest_id)
    assert found.status == "failed"
    assert f"{MAX_LOST} workers have died" in str(found.error)
    assert (found.steps[0].attempts, found.steps[0].lost) == (0, MAX_LOST)
    assert not bench.has_ticket(quest_id)


def test_steps_that_die_together_are_charged_with_nothing_and_recorded_once_however_the_sweeps_find_them(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_module, "MAX_SWEEP", 1)
    quest_ids = [bench.submit("a") for _ in range(3)]
    worker = bench.worker(process_id="dead")
    for quest_id in quest_ids:
        bench.claim(quest_id, worker)
    (dead,) = bench.register.declare_dead("dead")
    parts = bench.sweep.free_dead(bench.clock.now(), workers_of=[dead])

    assert next(parts).freed == 1  # of three: another sweep finds the others
    assert bench.sweep.run().freed == 2
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

    assert bench.sweep.run().freed == 2
    assert [(bench.ticket(each).lost_alone, bench.ticket(each).company) for each in (old, new)] == [(0, 9), (0, 1)]
    assert [bench.ticket(each).available_at - now for each in (old, new)] == [0, ALONE_AFTER]


def test_a_lost_worker_is_charged_to_the_one_step_that_it_ran(bench: Workbench) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    worker = bench.worker(process_id="1")
    bench.claim(quest_id, worker)
    bench.claim(other, worker)
    bench.register.declare_dead("1")
    bench.sweep.run()
    bench.clock.advance(LONG)
    claim = bench.claim(quest_id, bench.worker(process_id="2"))
    assert (claim.lost, claim.company) == (1, 2)
    bench.register.declare_dead("2")
    bench.sweep.run()

    found = bench.ticket(quest_id)
    assert (found.lost, found.lost_alone, found.company) == (2, 1, 1)


def test_a_checkpoint_acquits(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.claim(quest_id, bench.worker(process_id="dead"))
    bench.register.declare_dead("dead")
    bench.sweep.run()
    bench.advance(quest_id, 1)
    bench.claim(quest_id, bench.worker(process_id="dead again"))
    bench.register.declare_dead("dead again")
    bench.sweep.run()

    assert (bench.ticket(quest_id).lost, bench.ticket(quest_id).lost_alone) == (1, 1)


def test_no_step_loses_workers_for_ever_though_it_never_runs_alone(bench: Workbench) -> None:
    quest_id, beside = bench.submit("a"), bench.submit("b")
    for number in range(1, MAX_LOST_IN_ALL + 1):
        worker = bench.worker(process_id=str(number))
        bench.clock.advance(ALONE_AFTER)
        bench.claim(quest_id, worker)
        bench.claim(beside, worker)
        bench.register.declare_dead(str(number))
        assert bench.sweep.run().failed == 2 * (number == MAX_LOST_IN_ALL)

    assert f"{MAX_LOST_IN_ALL} workers have died" in str(bench.repository.load_quest(quest_id).error)


def test_how_many_workers_a_step_may_kill_is_a_setting(bench: Workbench) -> None:
    sweep = Sweep(bench.database, "default", max_lost=1)
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=-LONG))

    assert sweep.run().failed == 1
    assert "1 workers" not in str(bench.repository.load_quest(quest_id).error)


def test_lost_workers_spend_no_attempt(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", max_attempts=1))
    bench.claim(quest_id, bench.worker(process_id="dead"))
    bench.register.declare_dead("dead")
    bench.sweep.run()

    assert bench.claim(quest_id).attempt == 1


def test_a_worker_whose_row_somebody_keeps_locked_keeps_no_other_from_being_declared_lost(postgres_url: str) -> None:
    """As one does that was frozen while it prolonged its lease."""
    bench = Workbench(postgres_url)
    frozen, dead = bench.worker(lease=-LONG), bench.worker(lease=-LONG)
    with bench.database.engine.connect() as somebody:
        lock = text("SELECT 1 FROM workers WHERE worker_id = :frozen FOR UPDATE")
        somebody.execute(lock, {"frozen": frozen.worker_id})
        assert bench.sweep.run().lost_workers == (dead.worker_id,)

    assert bench.sweep.run().lost_workers == (frozen.worker_id,)
    bench.close()


def test_only_workers_whose_lease_is_over_are_declared_lost(bench: Workbench) -> None:
    late, fine = bench.worker(lease=-LONG), bench.worker(lease=EVERLASTING)

    assert bench.sweep.run().lost_workers == (late.worker_id,)
    assert bench.sweep.run().lost_workers == ()
    assert not bench.register.renew(late.worker_id, LEASE)
    assert bench.register.renew(fine.worker_id, LEASE)


def test_a_lost_worker_counts_although_the_store_takes_no_record_of_it(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    for _ in range(MAX_LOST):
        bench.claim(quest_id, bench.worker(lease=-LONG))
        if bench.database.dialect.name == "sqlite":
            refuse = "BEGIN SELECT raise(abort, 'refused'); END"
            bench.execute(f"CREATE TRIGGER IF NOT EXISTS no BEFORE INSERT ON lord_runs {refuse}")
        else:
            bench.execute("ALTER TABLE lord_runs ADD CHECK (status <> 'error') NOT VALID")
        bench.sweep.run()
        bench.clock.advance(LONG)

    assert (bench.status(quest_id), bench.repository.runs(quest_id)) == ("failed", [])
