"""A planner, an executor, and a history of their runs, which only whoever calls both of them knows.

Run it with `python examples/seed_003.py`. It needs no server and leaves nothing behind: it works on a `runs.db` in a
folder for the time being.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from questline import LordContext, LordStep, QuestExecutionData, QuestExecutor, QuestRepository, lord
from questline.memory import NotFoundError, RunHistory, Storage

#: What comes before the file's name in a goal.
READ = "Read the file "


class PlanResult(BaseModel):
    """What a planner makes of a goal."""

    plan_id: str
    objective: str
    steps: list[dict[str, Any]]


class ExecutionResult(BaseModel):
    """What came of a plan."""

    plan_id: str
    success: bool
    output: str | None = None
    error: str | None = None


class Planner:
    """Makes plans; it knows no storage."""

    async def plan(self, goal: str) -> PlanResult:
        """Return the plan for a goal such as "Read the file README.md"."""
        steps = [{"tool": "read_file", "path": goal.removeprefix(READ)}]
        return PlanResult(plan_id=str(uuid4()), objective=goal, steps=steps)


class Executor:
    """Carries plans out within a folder; it knows no storage either."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def execute(self, plan: PlanResult) -> ExecutionResult:
        """Return what came of a plan."""
        try:
            text = "".join((self.folder / step["path"]).read_text() for step in plan.steps)
        except OSError as error:
            return ExecutionResult(plan_id=plan.plan_id, success=False, error=str(error.strerror))
        return ExecutionResult(plan_id=plan.plan_id, success=True, output=text)


async def run(goal: str, planner: Planner, executor: Executor, storage: Storage) -> dict[str, Any]:
    """Plan, execute, record, respond; if it cannot be recorded, the caller is told so, and nothing is tried again."""
    plan_result = await planner.plan(goal)
    execution_result = await executor.execute(plan_result)
    run_id = await storage.save_run(plan_result, execution_result)
    return {"run_id": run_id, "execution_result": execution_result.model_dump()}


@lord("reader", "read_file")
def read_file(_: LordContext, path: str) -> str:
    """Return the text of a file."""
    return Path(path).read_text()


async def read_as_quest(path: Path, database: Path) -> str:
    """Read a file by a quest, which is a run by itself; return its id."""
    quest = QuestExecutionData(
        quest_type="read",
        input_data={"goal": f"{READ}{path.name}", "path": str(path)},
        execution_stack=[LordStep("reader", "read_file")],
    )
    with QuestRepository(database) as repository, QuestExecutor(repository=repository) as executor:
        return (await executor.execute_quest(quest)).quest_id


async def main(folder: Path) -> None:
    """Record two runs and a quest, list them, and look at one."""
    (folder / "README.md").write_text("# A title\n")
    database = folder / "runs.db"
    async with RunHistory(database) as storage:
        for name in ("README.md", "NOTHING.md"):
            print(await run(READ + name, Planner(), Executor(folder), storage))
        quest_id = await read_as_quest(folder / "README.md", database)
        for summary in await storage.list_runs(limit=10):
            print("succeeded" if summary.success else "failed   ", summary.objective)
        print((await storage.get_run(quest_id)).execution_result["output"])
        try:
            await storage.get_run("nothing")
        except NotFoundError as error:
            print(error)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
