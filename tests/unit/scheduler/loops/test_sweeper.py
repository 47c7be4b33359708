from typing import Any

import pytest

from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import fields_of
from questline_persistence.recovery import Swept, sweep
from questline_scheduler.doorbells import Ringer
from questline_scheduler.loops import Sweeper
from questline_scheduler.loops import sweeper as module
from questline_scheduler.loops.sweeper import GRACE_SECONDS, LONGEST_RUN, OUTAGE_SECONDS
from tests.contract.quests import LEASE, Workbench
from tests.unit.scheduler.doorbells.brokers import HandBroker

INTERVAL = 1.0


class Machine:
    """The machine's own clock, which tells the sweeper how long it has not looked."""

    def __init__(self) -> None:
        self.time = 5_000.0

    def uptime(self) -> float:
        return self.time


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(module, "uptime", machine.uptime)
    return machine


@pytest.fixture
def broker() -> HandBroker:
    return HandBroker()


@pytest.fixture
def sweeper(bench: Workbench, broker: HandBroker, machine: Machine) -> Sweeper:
    assert machine.time
    return Sweeper(bench.sweep, Ringer(broker, bench.bells), bench.counters, INTERVAL)


def _pass(bench: Workbench, machine: Machine, seconds: float) -> None:
    bench.clock.advance(seconds)
    machine.time += seconds


def test_a_dead_workers_step_is_freed_rung_and_its_messages_given_back(
    bench: Workbench, sweeper: Sweeper, broker: HandBroker
) -> None:
    claim = bench.claim(bench.submit("a"))
    bench.clock.advance(LEASE + 1)
    swept = sweeper.run_once()
    assert (swept.lost_workers, swept.freed) == ((claim.worker_id,), 1)
    assert broker.rung == [claim.quest_id]
    assert broker.requeued == [claim.worker_id]
    assert bench.ticket(claim.quest_id).state == "ready"


def test_a_broker_that_is_down_does_not_keep_steps_from_being_freed(
    bench: Workbench, sweeper: Sweeper, broker: HandBroker
) -> None:
    claim = bench.claim(bench.submit("a"))
    bench.clock.advance(LEASE + 1)
    broker.down = True
    assert sweeper.run_once().freed == 1
    assert bench.ticket(claim.quest_id).state == "ready"


def test_nobody_is_swept_right_after_an_outage(bench: Workbench, sweeper: Sweeper, machine: Machine) -> None:
    claim = bench.claim(bench.submit("a"))
    sweeper.run_once()
    _pass(bench, machine, 60)  # the store was away, and so no lease could be renewed
    assert sweeper.run_once() == Swept()
    _pass(bench, machine, INTERVAL)
    assert sweeper.run_once() == Swept()
    bench.register.renew(claim.worker_id, LEASE + bench.clock.time)  # the worker is back, by the database's own clock
    _pass(bench, machine, GRACE_SECONDS)
    sweeper.run_once()
    assert bench.ticket(claim.quest_id).state == "running"


def test_who_does_not_come_back_after_an_outage_is_swept_when_the_grace_is_over(
    bench: Workbench, sweeper: Sweeper, machine: Machine
) -> None:
    claim = bench.claim(bench.submit("a"))
    sweeper.run_once()
    _pass(bench, machine, 60)
    assert sweeper.run_once() == Swept()
    freed = 0
    for _ in range(int(GRACE_SECONDS / INTERVAL) + 1):
        _pass(bench, machine, INTERVAL)
        freed += sweeper.run_once().freed
    assert freed == 1
    assert bench.ticket(claim.quest_id).state == "ready"


def test_a_store_that_was_away_until_just_now_is_given_the_whole_grace(
    bench: Workbench, sweeper: Sweeper, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.claim(bench.submit("a"))
    sweeper.run_once()

    def away(_: float) -> bool:
        machine.time += 60
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(bench.sweep, "lease_over", away)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                sweeper.run_once()
    bench.clock.advance(180)
    assert sweeper.run_once() == Swept()
    _pass(bench, machine, GRACE_SECONDS - 0.1)
    assert sweeper.run_once() == Swept()
    _pass(bench, machine, INTERVAL)
    assert sweeper.run_once().freed == 1


@pytest.mark.parametrize("work", ["freeing", "ringing", "counting"])
def test_a_sweep_that_takes_long_itself_is_no_outage(
    bench: Workbench, sweeper: Sweeper, machine: Machine, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    place, name = {
        "freeing": (bench.sweep._freeing, "free"),
        "ringing": (sweeper._broker, "ring"),
        "counting": (bench.counters, "add"),
    }[work]
    real = getattr(place, name)

    def long(*arguments: Any) -> Any:
        machine.time += 60
        return real(*arguments)

    monkeypatch.setattr(place, name, long)
    sweeper.run_once()
    for _ in range(2):
        bench.claim(bench.submit("a"), bench.worker(lease=-3_600))
        _pass(bench, machine, INTERVAL)
        assert sweeper.run_once().freed == 1


def test_nobody_is_swept_after_an_outage_in_the_midst_of_a_sweep(
    bench: Workbench, sweeper: Sweeper, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.claim(bench.submit("a"), bench.worker(lease=-3_600))
    alive = bench.claim(bench.submit("a"))
    real = bench.sweep._freeing.free

    def outlive_an_outage(*arguments: Any) -> Any:
        _pass(bench, machine, LEASE + 1)
        bench.database._alarm.sound("connection refused", LEASE + 1)
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(bench.sweep._freeing, "free", outlive_an_outage)
        assert sweeper.run_once().freed == 1
    assert sweeper.run_once() == Swept()
    assert bench.ticket(alive.quest_id).state == "running"
    _pass(bench, machine, GRACE_SECONDS)
    assert sweeper.run_once().freed == 1


def test_all_dead_claims_are_freed_and_rung_in_one_run(
    bench: Workbench, sweeper: Sweeper, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MAX_SWEEP", 4)
    quest_ids = [bench.submit("a") for _ in range(10)]
    worker = bench.worker(lease=-3_600)
    for quest_id in quest_ids:
        bench.claim(quest_id, worker)
    swept = sweeper.run_once()

    assert (swept.freed, swept.more) == (10, False)
    assert sorted(broker.rung) == sorted(quest_ids)


def test_a_long_sweep_goes_on_in_the_next_run_at_once_so_that_a_stop_is_heard(
    bench: Workbench, sweeper: Sweeper, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MAX_SWEEP", 4)
    worker = bench.worker(lease=-3_600)
    for _ in range(10):
        bench.claim(bench.submit("a"), worker)
    monkeypatch.setattr(sweeper._ringer, "ring", lambda _: setattr(machine, "time", machine.time + LONGEST_RUN))

    runs = [sweeper.run_once() for _ in range(3)]
    assert [(swept.freed, swept.more) for swept in runs] == [(4, True), (4, True), (2, True)]
    assert not sweeper.run_once().more


def test_an_ordinary_pause_is_no_outage(bench: Workbench, sweeper: Sweeper, machine: Machine) -> None:
    bench.claim(bench.submit("a"))
    sweeper.run_once()
    bench.clock.advance(LEASE)
    _pass(bench, machine, INTERVAL + OUTAGE_SECONDS)
    assert sweeper.run_once().freed == 1


def test_the_first_look_of_a_process_is_not_put_off(bench: Workbench, sweeper: Sweeper) -> None:
    bench.claim(bench.submit("a"))
    bench.clock.advance(3_600)
    assert sweeper.run_once().freed == 1


def test_a_look_at_a_given_time_goes_by_that_time(bench: Workbench, sweeper: Sweeper) -> None:
    bench.claim(bench.submit("a"))
    assert sweeper.run_once(now=bench.clock.now() + LEASE - 1).freed == 0
    assert sweeper.run_once(now=bench.clock.now() + LEASE + 1).freed == 1


def test_a_sweep_that_finds_nothing_asks_nothing_of_the_broker(
    bench: Workbench, sweeper: Sweeper, broker: HandBroker
) -> None:
    bench.claim(bench.submit("a"))
    assert sweeper.run_once() == Swept()
    assert broker.asked == 0


def test_lost_workers_and_freed_claims_are_logged_with_their_ids_and_counted(
    bench: Workbench, sweeper: Sweeper, caplog: pytest.LogCaptureFixture
) -> None:
    claim = bench.claim(bench.submit("a"))
    bench.clock.advance(LEASE + 1)
    sweeper.run_once()
    sweeper.run_once()

    freed, lost = [fields_of(record) for record in caplog.records]
    assert (freed["event"], lost["event"]) == ("claim_freed", "workers_lost")
    assert lost["worker_ids"] == (claim.worker_id,)
    assert {name: freed[name] for name in ("quest_id", "claim_id", "worker_id")} == {
        name: getattr(claim, name) for name in ("quest_id", "claim_id", "worker_id")
    }
    assert _counted(bench) == {"workers_lost": 1, "claims_freed": 1}


def test_workers_that_their_supervisor_saw_die_are_logged_and_counted_alike(
    bench: Workbench, sweeper: Sweeper, broker: HandBroker, caplog: pytest.LogCaptureFixture
) -> None:
    claim = bench.claim(bench.submit("a"), bench.worker(process_id="dead"))
    sweeper.sweep(workers_of=bench.register.declare_dead("dead"))
    sweeper.sweep(workers_of=bench.register.declare_dead("dead"))

    assert claim.worker_id in caplog.text
    assert broker.requeued == [claim.worker_id]
    assert _counted(bench) == {"workers_lost": 1, "claims_freed": 1}


def test_a_freed_step_is_rung_before_anything_is_counted(
    bench: Workbench, sweeper: Sweeper, broker: HandBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may go away in between, and a count must hold up no step."""
    rung: list[list[str]] = []
    monkeypatch.setattr(bench.counters, "add", lambda *_: rung.append([*broker.rung]))
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    bench.clock.advance(LEASE + 1)
    sweeper.run_once()

    assert rung == [[quest_id], [quest_id]]


def _counted(bench: Workbench) -> dict[str, int]:
    return {name: number for name, number in bench.repository.get_counters().items() if number}
