from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from questline_persistence.claims import Failed
from questline_persistence.errors import StoreUnavailable
from questline_persistence.journal import EndedAttempt
from questline_persistence.recovery import freeing, low_water
from questline_persistence.recovery import sweep as sweep_module
from questline_persistence.suspicion import MAX_LOST_IN_ALL
from tests.contract.quests import LONG, Workbench, failure


def test_river_1318_duratiq_12_poison_rows_do_not_starve_the_recovery_of_others(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_module, "MAX_SWEEP", 4)
    quest_ids = [bench.submit("a") for _ in range(8)]
    journal = bench.worker(process_id="dead")
    for quest_id in quest_ids:
        bench.claim(quest_id, journal)
    bench.register.declare_dead("dead")
    poison = set(quest_ids[:4])
    real = freeing._ending

    def attempt(*args: Any) -> EndedAttempt:
        found = real(*args)
        nothing: Any = None
        return replace(found, outcome=Failed(nothing, 0.0)) if found.quest_id in poison else found

    monkeypatch.setattr(freeing, "_ending", attempt)
    assert bench.sweep.run().freed == 4

    states = {quest_id: bench.ticket(quest_id).state for quest_id in quest_ids}
    assert states == {quest_id: "running" if quest_id in poison else "ready" for quest_id in quest_ids}


def test_a_record_that_the_store_refuses_is_found_in_a_full_batch_and_costs_no_other_one(bench: Workbench) -> None:
    quest_ids = [bench.submit("a") for _ in range(20)]
    bad = quest_ids[7]
    assert bench.journal.fail(failure(bench.claim(bad))).won
    for quest_id in quest_ids:
        bench.claim(quest_id, bench.worker(lease=-LONG))
    bench.execute("CREATE UNIQUE INDEX one_error ON lord_runs (quest_id) WHERE status = 'error'")

    assert bench.sweep.run().freed == 20
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
        swept = list(pool.map(lambda _: bench.sweep.run(), range(4)))

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
        swept = bench.sweep.run()
        assert (swept.failed, bench.ticket(other).state) == (1, "ready")
        assert bench.ticket(locked_final).state == "running"
        assert bench.repository.load_quest(final).status == "failed"

    assert bench.sweep.run().failed == 1
    assert bench.ticket(locked).state == "ready"


def test_a_row_that_cannot_be_ended_is_told_of_once(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.claim(bench.submit("a"), bench.worker(lease=-LONG))
    told: list[str] = []
    monkeypatch.setattr(freeing.log, "error", lambda event, **_: told.append(event))
    with monkeypatch.context() as patched:
        patched.setattr(freeing, "end_attempts", lambda *_, **__: 1 // 0)
        assert bench.sweep.run().freed == 0
    assert told == ["sweep_failed"]


def test_a_failure_of_the_store_is_not_taken_for_a_bad_row(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.claim(bench.submit("a"), bench.worker(lease=-LONG))

    def broken(*_: object, **__: object) -> None:
        raise StoreUnavailable("the store is gone")

    monkeypatch.setattr(freeing, "end_attempts", broken)
    with pytest.raises(StoreUnavailable, match="the store is gone"):
        bench.sweep.run()


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
        assert [*bench.sweep.free_dead(bench.clock.now())] == []
    bench.clock.advance(10)
    bench.execute("UPDATE tickets SET deadline = :now WHERE quest_id = :q", now=bench.clock.now(), q=quest_ids[2])
    bench.sweep.declare_lost(bench.clock.now())
    bench.execute(
        "UPDATE workers SET state = 'lost', ended_at = :now WHERE worker_id = :w",
        now=bench.clock.now(),
        w=dead.worker_id,
    )

    assert sum(swept.freed for swept in bench.sweep.free_dead(bench.clock.now())) == 2
    assert [bench.ticket(quest_id).state for quest_id in quest_ids] == ["ready", "ready", "running"]
    bench.clock.advance(1)
    assert bench.sweep.run().freed == 1, "asked for in so many words, the look is whole"


@pytest.mark.usefixtures("dear")
def test_a_dear_look_at_all_claims_comes_again_after_a_while(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_water, "LONGEST_SECONDS", 0.0)
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=LONG))
    for _ in range(2):
        assert [*bench.sweep.free_dead(bench.clock.now())] == []
    bench.execute("UPDATE tickets SET deadline = :now", now=bench.clock.now())

    assert sum(swept.freed for swept in bench.sweep.free_dead(bench.clock.now())) == 1
