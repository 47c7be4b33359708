import time

import pytest
from sqlalchemy import event

from questline_persistence import clock
from questline_persistence.recovery import ClaimView, Register, WorkerView, register
from questline_persistence.recovery.register import KEEP_ENDED_SECONDS
from tests.contract.quests import LEASE, LONG, Workbench


def listed(bench: Workbench) -> dict[str, WorkerView]:
    return {row.worker_id: row for row in bench.register.all()}


def test_a_worker_that_has_entered_is_listed_with_all_that_it_told(bench: Workbench) -> None:
    journal = bench.worker(handlers=["a:work"], process_id="p")
    row = listed(bench)[journal.worker_id]

    assert (row.state, row.process_id, row.host, row.pid, row.threads) == ("live", "p", "host", 1, 8)
    assert (row.queues, row.handlers, row.holding) == (("default",), ("a:work",), 0)


def test_a_worker_that_enters_twice_is_one_worker(bench: Workbench) -> None:
    journal = bench.worker()
    before = listed(bench)
    journal_again = bench.worker()
    bench.execute("DELETE FROM workers WHERE worker_id = :id", id=journal_again.worker_id)

    assert listed(bench) == before
    assert list(before) == [journal.worker_id]


def test_a_renewed_lease_lasts_from_now_on_by_the_clock_of_the_database(bench: Workbench) -> None:
    journal = bench.worker(lease=1.0)
    assert bench.register.renew(journal.worker_id, LONG)
    until = listed(bench)[journal.worker_id].lease_until

    assert until == pytest.approx(bench.clock.now() + LONG, abs=30)


def test_a_worker_that_was_declared_lost_cannot_renew_its_lease(bench: Workbench) -> None:
    journal = bench.worker(process_id="dead")
    assert bench.register.declare_dead("dead") == [journal.worker_id]

    assert not bench.register.renew(journal.worker_id, LONG)
    assert not bench.register.renew("nobody", LONG)
    assert listed(bench)[journal.worker_id].state == "lost"


def test_only_the_workers_of_the_dead_process_are_declared_lost(bench: Workbench) -> None:
    dead, alive = bench.worker(process_id="dead"), bench.worker(process_id="alive")
    bench.register.declare_dead("dead")

    assert {one: row.state for one, row in listed(bench).items()} == {
        dead.worker_id: "lost",
        alive.worker_id: "live",
    }
    assert bench.register.declare_dead("dead") == []


def test_a_worker_that_leaves_is_stopped_and_not_lost(bench: Workbench) -> None:
    journal = bench.worker()
    bench.register.leave(journal.worker_id)

    assert listed(bench)[journal.worker_id].state == "stopped"
    assert bench.sweep.run(now=bench.clock.advance(LONG)).lost_workers == ()


def test_a_worker_whose_lease_is_over_is_shown_as_lost_before_any_sweep(bench: Workbench) -> None:
    journal = bench.worker(lease=-LONG)

    assert listed(bench)[journal.worker_id].state == "lost"


def test_a_worker_is_listed_with_the_number_of_its_claims(bench: Workbench) -> None:
    journal, other = bench.worker(), bench.worker()
    claims = {bench.claim(bench.submit("a"), journal).claim_id for _ in range(3)}
    bench.claim(bench.submit("a"), other)

    assert listed(bench)[journal.worker_id].holding == 3
    assert bench.register.held([journal.worker_id]) == claims
    assert bench.register.held([]) == set()


def test_workers_that_ended_more_than_a_day_ago_are_forgotten(bench: Workbench) -> None:
    ended, live = bench.worker(), bench.worker(lease=2 * KEEP_ENDED_SECONDS)
    bench.register.leave(ended.worker_id)
    assert bench.register.forget() == 0
    bench.clock.advance(KEEP_ENDED_SECONDS + 60)

    assert bench.register.forget() == 1
    assert list(listed(bench)) == [live.worker_id]


def test_workers_that_ended_long_ago_are_forgotten_a_bounded_number_at_a_time(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "MAX_FORGOTTEN", 2)
    for _ in range(3):
        bench.register.leave(bench.worker().worker_id)
    bench.worker(lease=-LONG)
    bench.sweep.run()
    bench.clock.advance(KEEP_ENDED_SECONDS + 60)

    assert [bench.register.forget() for _ in range(3)] == [2, 2, 0]


def test_what_live_workers_know_is_told(bench: Workbench) -> None:
    asked = {"a:work", "b:work", "c:work", "d:work"}
    assert bench.register.known(asked) == set()
    bench.worker(handlers=["a:work", "x:work"])
    bench.worker(handlers=["a:work", "b:work"])
    bench.worker(handlers=["c:work"], lease=-LONG)
    bench.register.leave(bench.worker(handlers=["d:work"]).worker_id)

    assert bench.register.known(asked) == {"a:work", "b:work"}


def test_fault_06_a_wall_clock_an_hour_off_changes_nothing(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite the database's clock is that of the machine; a worker's own is asked on neither."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + LONG)
    journal = bench.worker(lease=LEASE)
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id, journal)
    bench.register.renew(journal.worker_id, LEASE)

    assert bench.sweep.run().freed == 0
    assert claim.start_time == bench.clock.now()
    assert bench.ticket(quest_id).deadline == bench.clock.now() + 600
    lease_until = listed(bench)[journal.worker_id].lease_until
    assert lease_until == pytest.approx(real() + LEASE, abs=30)


def test_the_clock_of_a_postgresql_store_is_the_server_s(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + LONG)
    off = bench.database._read_clock().told - real()

    assert off == pytest.approx(LONG if bench.database.dialect.name == "sqlite" else 0.0, abs=30)


def test_the_way_to_a_connection_is_in_no_reading_of_the_clock(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    monkeypatch.setattr(clock, "uptime", lambda: float(len(connected)))
    bench.database.engine.dispose()
    event.listen(bench.database.engine, "connect", lambda *_: connected.append(1))
    reading = bench.database._read_clock()

    assert len(connected) == (bench.database.dialect.name == "postgresql")
    assert reading.before == reading.after


def test_each_heartbeat_is_noted_by_the_clock_of_the_database(bench: Workbench) -> None:
    journal = bench.worker()
    entered = listed(bench)[journal.worker_id].heartbeat_at
    bench.register.renew(journal.worker_id, LEASE)
    row = listed(bench)[journal.worker_id]

    assert entered == pytest.approx(bench.clock.now(), abs=30)
    assert row.heartbeat_at > entered
    assert row.lease_until == pytest.approx(row.heartbeat_at + LEASE, abs=0.01)


def test_the_claims_of_workers_are_named_those_that_last_longest_first(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_persistence.recovery.register.MAX_CLAIMS", 2)
    busy, idle = bench.worker(), bench.worker()
    held = []
    for _ in range(3):
        held.append(bench.claim(bench.submit("a"), busy))
        bench.clock.advance(1)
    found = bench.register.claims_of([busy.worker_id, idle.worker_id])

    assert found == {
        busy.worker_id: [
            ClaimView(claim.quest_id, "0001", "a:work", claim.claim_id, claim.start_time) for claim in held[:2]
        ]
    }
    assert bench.register.claims_of([]) == {}


def test_i11_claims_held_in_another_namespace_are_not_listed(bench: Workbench) -> None:
    journal = bench.worker()
    bench.claim(bench.submit("a"), journal)

    assert Register(bench.database, "other").claims_of([journal.worker_id]) == {}


def test_only_workers_that_are_alive_are_counted_each_by_its_own_namespace(bench: Workbench) -> None:
    before = bench.register.number_alive()
    bench.worker(process_id="dead")
    bench.worker(lease=LONG)
    assert bench.register.number_alive() == before + 2
    bench.register.declare_dead("dead")
    assert bench.register.number_alive() == before + 1
    bench.clock.advance(LEASE + 1)
    assert bench.register.number_alive() == 1
    assert Register(bench.database, "other").number_alive() == 0
