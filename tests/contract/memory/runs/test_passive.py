"""The run history is passive: whatever it does or fails to do, quests run as if it were not there."""

from collections.abc import Callable, Iterator

import pytest

from questline_persistence.errors import QuestlineError
from questline_persistence.memory.runs import RunHistory
from questline_persistence.schema import quests, runs, snapshots, steps
from questline_persistence.store import Database
from tests.contract.memory.sessions.managers import wait
from tests.contract.quests import Workbench

PLAN, DONE = {"plan_id": "p1", "objective": "o"}, {"success": True}
#: Tables that tell how a quest went, and columns whose values are never the same twice.
TOLD, CHANCE = (quests, steps, runs, snapshots), {"quest_id", "worker_id", "claim_id", "run_id", "snapshot_id"}


@pytest.fixture(params=["away", "without its tables"])
def broken(request: pytest.FixtureRequest, bench: Workbench, unreachable: Database) -> Iterator[RunHistory]:
    """A run history that can record nothing: its store is away, or is the quests' own and refuses."""
    if request.param == "away":
        yield RunHistory(unreachable)
        return
    history = RunHistory(bench.database)
    wait(history.list_runs())
    for table in ("runs", "run_parts"):
        bench.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
    yield history
    for table in ("runs", "run_parts"):
        bench.execute(f"ALTER TABLE {table}_gone RENAME TO {table}")


def live(bench: Workbench, between: Callable[[], None]) -> list[list[dict[str, object]]]:
    """Lead a quest through its life, with something between its steps; return all that is stored of it."""
    quest_id = bench.submit("a", "b", "c", input_data={"goal": "g"})
    for output in (1, {"two": 2}, "three"):
        between()
        bench.advance(quest_id, output)
    between()
    return [
        [
            {name: value for name, value in row._mapping.items() if name not in CHANCE}
            for row in bench.rows(table, quest_id)
        ]
        for table in TOLD
    ]


def test_a_run_history_that_fails_changes_no_execution(bench: Workbench, broken: RunHistory) -> None:
    refused: list[str] = []

    def record() -> None:
        for attempt in (broken.save_run(PLAN, DONE), broken.save_plan_result(PLAN), broken.list_runs()):
            with pytest.raises(QuestlineError) as told:
                wait(attempt)
            refused.append(told.value.message)

    assert live(bench, record) == live(bench, lambda: None)
    assert len(refused) == 12, "every failure reached its caller"


def test_a_run_history_that_works_changes_no_execution(bench: Workbench, history: RunHistory) -> None:
    def record() -> None:
        wait(history.save_run(PLAN, DONE))
        for run in wait(history.list_runs()):
            wait(history.get_run(run.run_id))

    assert live(bench, record) == live(bench, lambda: None)
