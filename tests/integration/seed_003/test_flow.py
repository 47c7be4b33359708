"""The flow that people know works: plan, execute, record, respond; then list the runs, and look at one of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples import seed_003
from examples.seed_003 import ExecutionResult, Executor, Planner, PlanResult
from questline.memory import NotFoundError, RunHistory, StorageError
from questline_persistence.store import Database
from tests.contract.memory.sessions.managers import wait

GOAL = "Read the file README.md"


class CountedExecutor(Executor):
    """Keeps what it was asked for, and what came of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.executed: list[tuple[PlanResult, ExecutionResult]] = []

    async def execute(self, plan: PlanResult) -> ExecutionResult:
        result = await super().execute(plan)
        self.executed.append((plan, result))
        return result


@pytest.fixture
def executor(tmp_path: Path) -> CountedExecutor:
    (tmp_path / "README.md").write_text("# A title\n")
    return CountedExecutor(tmp_path)


def test_every_run_is_recorded_listed_and_found_whole(executor: CountedExecutor, database_url: str) -> None:
    async def flow() -> None:
        async with RunHistory(database_url) as storage:
            told = [await seed_003.run(goal, Planner(), executor, storage) for goal in (GOAL, f"{GOAL}.gone")]
            listed = await storage.list_runs(limit=10, offset=0)
            assert [(one.run_id, one.objective, one.success) for one in listed] == [
                (told[1]["run_id"], f"{GOAL}.gone", False),
                (told[0]["run_id"], GOAL, True),
            ]
            for answer, (plan, result) in zip(told, executor.executed, strict=True):
                record = await storage.get_run(answer["run_id"])
                assert (record.plan_id, record.objective) == (plan.plan_id, plan.objective)
                assert record.plan_result == plan.model_dump()
                assert record.execution_result == result.model_dump() == answer["execution_result"]
            with pytest.raises(NotFoundError):
                await storage.get_run("nothing")

    wait(flow())


def test_a_storage_that_fails_is_told_of_and_does_not_change_what_was_executed(executor: CountedExecutor) -> None:
    storage = RunHistory(Database("postgresql://nobody@127.0.0.1:1/nowhere", patience=0))

    with pytest.raises(StorageError, match=r"^cannot save run: "):
        wait(seed_003.run(GOAL, Planner(), executor, storage))

    ((plan, result),) = executor.executed
    assert (plan.objective, result.success, result.output) == (GOAL, True, "# A title\n")


def test_the_example_runs_and_tells_what_it_did(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUESTLINE_")}

    done = subprocess.run(
        [sys.executable, seed_003.__file__],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2:] == [
        "succeeded Read the file README.md",
        "failed    Read the file NOTHING.md",
        "succeeded Read the file README.md",
        "# A title",
        "",
        "cannot load run nothing: there is none",
    ]
    assert list(tmp_path.iterdir()) == []
