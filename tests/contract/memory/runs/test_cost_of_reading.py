"""What it costs to list and to read runs: as many rows as are shown or left out, each found by an index."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlalchemy import insert, text

from questline_persistence.clock import rfc3339
from questline_persistence.memory.runs import RunHistory
from questline_persistence.schema import METADATA, quests
from questline_persistence.schema.memory_tables import kept_runs
from questline_persistence.store import Database
from tests.contract.memory.sessions.managers import wait
from tests.contract.quests import Workbench
from tests.integration.persistence.looks import Look, Observer

#: How many quests, and how many runs of elsewhere, there are at first and then.
FEW, MANY = 300, 3_000
#: A page in the middle, and how many rows of each source come before its end.
PAGE, REACH = {"limit": 5, "offset": 10}, 15


@pytest.fixture
def bench(database_url: str) -> Iterator[Workbench]:
    """A workbench that does not look at every quest when the test is over: most are rows without a story."""
    with closing(Workbench(database_url)) as bench:
        yield bench


def fill(bench: Workbench, first: int, last: int) -> None:
    """Add copies of a quest, and runs, whose moments alternate."""
    (row,) = bench.rows(quests, bench.submit("a"))
    moments = [bench.clock.now() + number for number in range(first, last)]
    copies = [
        {**row._mapping, "namespace": namespace, "quest_id": f"{namespace}-{moment}", "created_at": rfc3339(moment)}
        for namespace in (bench.namespace, "other")
        for moment in moments
    ]
    runs = [
        {
            "namespace": bench.namespace,
            "key_prefix": "",
            "run_id": f"r{moment}",
            "plan_id": "p",
            "success": 1,
            "objective": "o",
            "plan_result": "{}",
            "execution_result": "{}",
            "fingerprint": "",
            "write_id": "",
            "saved_time": moment + 0.5,
            "created_at": rfc3339(moment + 0.5),
        }
        for moment in moments
    ]
    bench.database.write(lambda own: own.execute(insert(quests), copies))
    bench.database.write(lambda own: own.execute(insert(kept_runs), runs))
    bench.database.write(lambda own: own.execute(text("ANALYZE")))


def looks_of(database: Database, read: Callable[[], object]) -> list[Look]:
    read()
    with Observer(database).looking() as looks:
        read()
    return [look for look in looks if {*METADATA.tables} & {*look.statement.replace(",", " ").split()}]


def test_a_page_reads_what_it_shows_and_what_comes_before_it_by_index(bench: Workbench, history: RunHistory) -> None:
    def read() -> list[Look]:
        return looks_of(bench.database, lambda: wait(history.list_runs(**PAGE)))

    fill(bench, 0, FEW)
    among_few = read()
    fill(bench, FEW, MANY)
    among_many = read()

    assert [look.ways for look in among_many] == [
        {"ix_quest_executions_newest"},
        {"idx_runs_created_at"},
        {"pk_quest_executions"},
        {"uq_runs_run_id"},
    ], [*map(str, among_many)]
    assert max(look.rows for look in among_many) <= REACH
    for few, many in zip(among_few[:2], among_many, strict=False):
        assert many.effort <= few.effort + 10, "what there is besides costs nothing, but for a level of an index"


@pytest.mark.parametrize("kind", ["quest", "run", "plan"])
def test_a_run_is_read_by_index(bench: Workbench, history: RunHistory, kind: str) -> None:
    fill(bench, 0, FEW)
    ids = {
        "quest": bench.end("completed"),
        "run": wait(history.save_run({"plan_id": "p1", "objective": "o"}, {"success": True})),
        "plan": "p2",
    }
    for number in range(50):
        wait(history.save_plan_result({"plan_id": f"p{number}", "objective": "o"}))

    looks = looks_of(bench.database, lambda: wait(history.get_run(ids[kind])))

    assert looks
    whole = [str(look) for look in looks if {"every row of runs", "every row of quest_executions"} & look.ways]
    assert whole == []
