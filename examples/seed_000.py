"""The first steps with questline: execute, pause and resume, replay, query, statistics, errors, cleaning up.

Run it with `python examples/seed_000.py`. It needs no server and leaves nothing behind: each part works on a
`quests.db` in a folder for the time being.
"""

import asyncio
import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from questline import (
    ExecutionHooks,
    ExecutionStatus,
    LordContext,
    LordStep,
    Permanent,
    QuestExecutionData,
    QuestExecutor,
    QuestRepository,
    lord,
)

logger = logging.getLogger("examples.seed_000")

#: The longest that the architect thinks, in seconds.
THINKING_SECONDS = 20.0
#: How many other quests fill the history, so that there is something to page through.
OTHER_QUESTS = 24

#: Cleared while the architect is to be caught thinking, so that its quest can be paused meanwhile.
inspired = threading.Event()
inspired.set()


@lord("architect", "design_system")
def design_system(_ctx: LordContext, service: str) -> dict[str, Any]:
    """Name the modules that a service is made of."""
    inspired.wait(THINKING_SECONDS)
    return {"service": service, "modules": ["api", "domain", "storage"]}


@lord("forge_master", "generate_code")
async def generate_code(ctx: LordContext, architect: dict[str, Any]) -> dict[str, Any]:
    """Write one file per module; `architect` is that Lord's output."""
    if architect["service"] == "Atlantis":
        raise Permanent("nobody knows how to build Atlantis")
    ctx.log.debug("generating", modules=len(architect["modules"]))
    return {"files": {f"{name}.py": f"# {architect['service']}: {name}\n" for name in architect["modules"]}}


@lord("sentinel", "review_code")
def review_code(_ctx: LordContext, forge_master: dict[str, Any]) -> dict[str, Any]:
    """Look whether every file begins with a comment."""
    files: dict[str, str] = forge_master["files"]
    return {"approved": all(text.startswith("#") for text in files.values()), "reviewed": sorted(files)}


def three_steps() -> list[LordStep]:
    """Return the stack that every quest here has."""
    return [
        LordStep("architect", "design_system"),
        LordStep("forge_master", "generate_code"),
        LordStep("sentinel", "review_code"),
    ]


async def basic_quest_execution() -> None:
    """Part 1: a quest is executed, its state saved after each Lord."""
    # fmt: off
    from questline import QuestExecutor, QuestExecutionData, LordStep
    from questline import QuestRepository

    # Create repository
    repo = QuestRepository("quests.db")

    # Create executor with persistence
    executor = QuestExecutor(repository=repo)

    # Build quest
    quest_data = QuestExecutionData(
        quest_id="q-001",
        quest_type="design_microservice",
        input_data={"service": "AuthService"},
        execution_stack=[
            LordStep("architect", "design_system"),
            LordStep("forge_master", "generate_code"),
            LordStep("sentinel", "review_code"),
        ]
    )

    # Execute - state automatically saved after each Lord
    result = await executor.execute_quest(quest_data)
    # fmt: on
    show("executed", result)
    for run in repo.runs("q-001"):
        print(f"  {run.lord_name}: {run.status} after {run.duration_seconds:.2f} s")
    executor.close()
    repo.close()


async def pause_and_resume_quest(executor: QuestExecutor, repo: QuestRepository) -> None:
    """Part 2: a running quest is paused, and goes on under another executor."""
    # fmt: off
    # Pause a running quest
    paused = await executor.pause_quest("q-001")

    # Quest is now in PAUSED state
    # Snapshot saved with current execution stack
    # fmt: on
    show("paused", paused)
    snapshot = repo.load_snapshot("q-001")
    rest = ", ".join(step.lord_name for step in snapshot.execution_stack)
    print(f"  snapshot v{snapshot.version} ({snapshot.snapshot_reason}); still to come: {rest}")
    executor.close()
    # fmt: off
    # Resume later (can be in different session)
    executor = QuestExecutor(repository=repo)
    result = await executor.resume_quest("q-001")

    # Quest continues from where it left off
    # fmt: on
    show("resumed", result)
    executor.close()


async def replay_quest(executor: QuestExecutor) -> None:
    """Part 3: a quest runs again, from the beginning and from one of its Lords."""
    # fmt: off
    # Replay entire quest from beginning
    result = await executor.replay_quest("q-001")
    # fmt: on
    show("replayed from the beginning", result)
    # fmt: off
    # Replay from specific Lord (e.g., after fixing bug)
    result = await executor.replay_quest("q-001", from_lord="forge_master")
    # fmt: on
    show("replayed from forge_master", result)


def query_quest_history(repo: QuestRepository) -> None:
    """Part 4: lists, filters and pages."""
    # fmt: off
    # List all quests
    quests = repo.list_quests(limit=100)

    # Filter by status
    completed = repo.list_quests(status=ExecutionStatus.COMPLETED, limit=50)
    failed = repo.list_quests(status=ExecutionStatus.FAILED, limit=50)

    # Pagination
    page_1 = repo.list_quests(limit=20, offset=0)
    page_2 = repo.list_quests(limit=20, offset=20)

    # Load specific quest
    quest_data = repo.load_quest("q-001")
    # fmt: on
    print(f"  {len(quests)} quests: {len(completed)} completed, {len(failed)} failed")
    print(f"  pages of {len(page_1)} and {len(page_2)}")
    print(f"  q-001 has the outputs of {', '.join(quest_data.run_data)}")


def analytics(repo: QuestRepository) -> None:
    """Part 5: statistics of quests and of Lords."""
    # fmt: off
    # Overall quest statistics
    stats = repo.get_quest_stats()
    # Returns: {
    #     "total_quests": 150,
    #     "completed": 120,
    #     "failed": 15,
    #     "running": 10,
    #     "paused": 5,
    #     "avg_duration_seconds": 12.5,
    #     "max_duration_seconds": 45.2,
    #     "min_duration_seconds": 2.1
    # }

    # Lord performance metrics
    lord_stats = repo.get_lord_stats()
    # Returns list of: {
    #     "lord_name": "architect",
    #     "tool_name": "design_system",
    #     "total_runs": 50,
    #     "successful": 48,
    #     "errors": 2,
    #     "success_rate": 96.0,
    #     "avg_duration_seconds": 2.5,
    #     "max_duration_seconds": 5.0,
    #     "min_duration_seconds": 1.2
    # }

    # Filter by specific Lord
    architect_stats = repo.get_lord_stats(lord_name="architect")
    # fmt: on
    print(f"  {stats['total_quests']} quests, on average {stats['avg_duration_seconds']:.3f} s")
    for row in lord_stats:
        print(f"  {row['lord_name']}: {row['total_runs']} runs, {row['success_rate']:.1f} % successful")
    print(f"  the architect alone: {architect_stats[0]['total_runs']} runs")


def error_handling(repo: QuestRepository) -> None:
    """Part 6: a quest that cannot be saved is still in memory."""
    quest_data = QuestExecutionData(
        quest_id="q-002",
        quest_type="design_microservice",
        input_data={"tags": {"a", "set"}},
        execution_stack=three_steps(),
    )
    # fmt: off
    # Repository handles database errors
    try:
        repo.save_quest(quest_data)
    except Exception as e:
        logger.error(f"Failed to save quest: {e}")
        # Quest still in memory, can retry
    # fmt: on
    quest_data.input_data["tags"] = ["a", "list"]
    repo.save_quest(quest_data)
    print(f"  saved at the second try: {repo.load_quest('q-002').input_data}")


def cleanup(repo: QuestRepository) -> None:
    """Part 7: completed quests are removed, with all that belongs to them."""

    def quest_is_old(quest: QuestExecutionData) -> bool:
        return quest.quest_id.startswith("other-")

    # fmt: off
    # Delete old completed quests
    old_quests = repo.list_quests(
        status=ExecutionStatus.COMPLETED,
        limit=100,
        offset=0
    )

    for quest in old_quests:
        if quest_is_old(quest):
            repo.delete_quest(quest['quest_id'])
    # fmt: on
    print(f"  {len(old_quests)} completed quests, of which {len(repo.list_quests(status='completed'))} are left")


async def executed_while_paused() -> None:
    """Run part 2 on a quest that runs in the background."""
    with QuestRepository("quests.db") as repo:
        begun = threading.Event()
        executor = QuestExecutor(ExecutionHooks(on_step_start=lambda _: begun.set()), repository=repo)
        quest = QuestExecutionData(
            quest_id="q-001",
            quest_type="design_microservice",
            input_data={"service": "AuthService"},
            execution_stack=three_steps(),
        )
        inspired.clear()
        running = asyncio.create_task(executor.execute_quest(quest))
        await asyncio.to_thread(begun.wait)
        watching = asyncio.create_task(inspire_once_pausing(repo))
        await pause_and_resume_quest(executor, repo)
        await asyncio.gather(running, watching)


async def inspire_once_pausing(repo: QuestRepository) -> None:
    """Let the architect finish as soon as a pause was asked for."""
    while repo.status("q-001") is not ExecutionStatus.PAUSING:  # noqa: ASYNC110  (another process may change it)
        await asyncio.sleep(0.01)
    inspired.set()


async def replayed_and_looked_at() -> None:
    """Run parts 3 to 7 on the quest of part 1 and some more."""
    with QuestRepository("quests.db") as repo, QuestExecutor(repository=repo) as executor:
        heading("3. Replay")
        await replay_quest(executor)
        for number in range(OTHER_QUESTS):
            service = "Atlantis" if number % 8 == 0 else f"Service{number}"
            quest = QuestExecutionData(
                quest_id=f"other-{number:02}",
                quest_type="design_microservice",
                input_data={"service": service},
                execution_stack=three_steps(),
            )
            await executor.execute_quest(quest)
        heading("4. History")
        query_quest_history(repo)
        heading("5. Statistics")
        analytics(repo)
        heading("6. An error while saving")
        error_handling(repo)
        heading("7. Cleaning up")
        cleanup(repo)


def show(what: str, quest: QuestExecutionData) -> None:
    """Print where a quest stands."""
    done, rest = quest.progress["completed"], quest.progress["remaining"]
    print(f"{what}: {quest.quest_id} is {quest.status}, epoch {quest.epoch}, {done} steps done, {rest} to come")


def heading(text: str) -> None:
    """Print the title of a part."""
    print(f"\n{text}")


@contextlib.contextmanager
def fresh_folder() -> Iterator[None]:
    """Work in an empty folder for as long as the block lasts."""
    before = os.getcwd()  # noqa: PTH109  (chdir needs it as it is)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


async def main() -> None:
    """Run every part."""
    with fresh_folder():
        heading("1. Execution, saved after each Lord")
        await basic_quest_execution()
        with fresh_folder():
            heading("2. Pause and resume, on a store of its own")
            await executed_while_paused()
        await replayed_and_looked_at()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR, format="  %(levelname)s %(message)s")
    asyncio.run(main())
