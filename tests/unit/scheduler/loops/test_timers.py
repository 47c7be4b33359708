import pytest
from sqlalchemy import select

from questline_persistence.kinds import SNAPSHOTS
from questline_persistence.memory.kept import Kept
from questline_persistence.recovery import Expired
from questline_persistence.schema import table_of
from questline_persistence.settings import load
from questline_persistence.writes import Enters
from questline_scheduler.loops import make_loops
from questline_scheduler.loops.timers import Timers
from tests.contract.quests import Workbench
from tests.unit.scheduler.doorbells.brokers import HandBroker


def test_steps_that_wait_are_woken_when_their_time_has_come(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.execute("UPDATE tickets SET state = 'waiting', available_at = :at", at=bench.clock.now() + 60)
    timers = Timers(bench.bells, bench.register, Expired(bench.database, bench.namespace))
    assert timers.run_once() == 0
    bench.clock.advance(61)
    assert timers.run_once() == 1
    assert bench.ticket(quest_id).state == "ready"
    assert timers.run_once() == 0


def test_workers_that_ended_long_ago_are_forgotten_now_and_then(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[object] = []
    monkeypatch.setattr(bench.register, "forget", lambda *, now=None: forgotten.append(now))
    timers = Timers(bench.bells, bench.register, Expired(bench.database, bench.namespace))
    for _ in range(2 * timers.tidy_every):
        timers.run_once(now=1.0)
    assert forgotten == [1.0, 1.0]


def test_what_has_expired_is_removed_now_and_then(bench: Workbench) -> None:
    kept, now = Kept(bench.database, bench.namespace), bench.clock.now()
    for name, seconds in (("over", -1.0), ("here", 60.0), ("kept", None)):
        columns = {"agent_id": "a", "version": 1}
        expires = None if seconds is None else now + seconds
        kept.enter(Enters(SNAPSHOTS, bench.namespace, "", name, columns, expires_time=expires))
    Kept(bench.database, "other").enter(Enters(SNAPSHOTS, "other", "", "over", columns, expires_time=now - 1.0))
    Timers(bench.bells, bench.register, Expired(bench.database, bench.namespace)).run_once()

    snapshots = table_of(SNAPSHOTS)
    query = select(snapshots.c.snapshot_id).order_by(snapshots.c.id)
    left = bench.database.read(lambda own: [*own.execute(query).scalars()])
    assert left == ["here", "kept", "over"]


def test_all_loops_are_put_together(bench: Workbench) -> None:
    loops = make_loops(bench.database, HandBroker(), load(sweep_seconds=7.0))
    services = {loop.service.name: loop.service.interval for loop in loops._loops}
    assert services == {"relay": 0.25, "sweeper": 7.0, "timers": 0.5, "batches": 1.0, "budgets": 5.0}
