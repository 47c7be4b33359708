"""While a session holds an old snapshot, PostgreSQL tidies nothing; the loops' looks stay cheap all the same."""

from collections.abc import Callable

import pytest

from questline_persistence.claims import REDISPATCH_FIRST
from questline_persistence.recovery import low_water
from tests.contract.quests import Workbench
from tests.integration.persistence.looks import Observer

#: How often each of so many tickets becomes ready anew.
TICKETS, TIMES = 50, 40


@pytest.mark.parametrize(
    ("name", "state", "moment"), [("due", "ready", "ring_at"), ("wake", "waiting", "available_at")]
)
def test_a_look_walks_once_over_what_a_held_snapshot_keeps(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, name: str, state: str, moment: str
) -> None:
    monkeypatch.setattr(low_water, "CHEAP_SECONDS", 0.0)
    monkeypatch.setattr(low_water, "REST", float("inf"))
    bench, other = Workbench(postgres_url), Workbench(postgres_url)
    observer = Observer(bench.database)
    look: Callable[[], object] = getattr(bench.bells, name)
    for _ in range(TICKETS):
        bench.submit("a")
    with other.database.engine.connect().execution_options(questline_level="REPEATABLE READ") as backup:
        backup.exec_driver_sql("SELECT count(*) FROM tickets")
        bench.execute("UPDATE tickets SET state = :state", state=state)
        for _ in range(TIMES):
            bench.execute(f"UPDATE tickets SET {moment} = {moment} + 0.001")
        bench.clock.advance(60)
        bench.execute(f"UPDATE tickets SET {moment} = :later", later=bench.clock.now() + REDISPATCH_FIRST)

        efforts = []
        for _ in range(3):
            with observer.looking() as looks:
                assert not look()
            efforts.append(sum(each.effort for each in looks))
    assert min(efforts[:2]) > TICKETS
    assert efforts[2] < 10
    bench.close()
    other.close()
