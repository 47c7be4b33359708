"""Six scenes about quests that outlive their process; they leave a database behind to look at.

    python examples/persistence_demo.py [PATH]

writes `demo_quests.db` in the working directory, or PATH. Running it again adds to the same file. Look at it with
`questline list --database-url sqlite:///demo_quests.db`.
"""

import asyncio
import sys
import threading
import time
from typing import Any

from rich import print as rich_print
from rich.table import Table

from questline import (
    ExecutionHooks,
    ExecutionStatus,
    LordContext,
    LordStep,
    QuestExecutionData,
    QuestExecutor,
    QuestFilter,
    QuestRepository,
    lord,
)

#: The least time that each Lord takes, in seconds, so that there is something to measure.
PACE_SECONDS = 0.1
#: The longest that a Lord waits for the word to go on, in seconds.
PATIENCE_SECONDS = 20.0
#: Small quests of the analytics scene.
SMALL_QUESTS = 24
#: Quests on one page of the last scene.
PAGE = 10
SERVICES = ("AuthService", "BillingService", "SearchService", "MailService", "StockService", "ChatService")

#: Cleared while a quest is to be caught in the middle of a step.
go_on = threading.Event()
go_on.set()


@lord("architect", "design_system")
def design_system(ctx: LordContext, service: str) -> dict[str, Any]:
    """Decide which modules a service has."""
    work(ctx)
    return {"service": service, "modules": ["api", "domain", "storage", "tests"][: 2 + len(service) % 3]}


@lord("forge_master", "generate_code", max_attempts=2)
async def generate_code(ctx: LordContext, architect: dict[str, Any], flaky: str = "") -> dict[str, Any]:
    """Write the modules; a quest can ask for a bad first attempt, or for nothing but bad ones."""
    await asyncio.to_thread(work, ctx)
    if flaky == "always" or (flaky == "once" and ctx.attempt == 1):
        raise RuntimeError(f"attempt {ctx.attempt}: the forge went out")
    return {"files": [f"{architect['service'].lower()}/{name}.py" for name in architect["modules"]]}


@lord("sentinel", "review_code")
def review_code(ctx: LordContext, forge_master: dict[str, Any], strictness: int = 1) -> dict[str, Any]:
    """Approve what is small enough."""
    work(ctx)
    files = forge_master["files"]
    return {"approved": len(files) * strictness <= len(SERVICES), "reviewed": len(files)}


def work(ctx: LordContext) -> None:
    """Take some time, unless the quest is in a hurry."""
    if not ctx.input_data.get("hurry"):
        time.sleep(PACE_SECONDS)
        go_on.wait(PATIENCE_SECONDS)


def new_quest(service: str, **more: Any) -> QuestExecutionData:
    """Return a quest that designs a service."""
    return QuestExecutionData(
        quest_type="design_microservice",
        input_data={"service": service, **more},
        execution_stack=[
            LordStep("architect", "design_system"),
            LordStep("forge_master", "generate_code", backoff_seconds=0.02),
            LordStep("sentinel", "review_code"),
        ],
        labels={"service": service},
    )


async def execution_with_auto_save(repo: QuestRepository) -> QuestExecutionData:
    """Scene 1: every step leaves a checkpoint."""
    scene(1, "Execution, saved after each step")
    hooks = ExecutionHooks(on_step_end=lambda event: say(f"{event.position} {event.lord_name} is done"))
    with QuestExecutor(hooks, repo) as executor:
        quest = await executor.execute_quest(new_quest("AuthService"))
    say(f"{quest.quest_id} is {quest.status}; its output: {quest.output_data}")
    return quest


def snapshots(repo: QuestRepository, quest: QuestExecutionData) -> None:
    """Scene 2: every version of a quest can be loaded, whole."""
    scene(2, "Snapshots")
    rows = Table("version", "reason", "outputs so far", "still to come")
    for row in repo.snapshots(quest.quest_id):
        whole = repo.load_snapshot(quest.quest_id, row["version"])
        rest = ", ".join(step.lord_name for step in whole.execution_stack)
        rows.add_row(f"v{whole.version}", whole.snapshot_reason, ", ".join(whole.run_data) or "-", rest or "-")
    rich_print(rows)


async def pause_and_resume(repo: QuestRepository) -> None:
    """Scene 3: a quest is paused while it runs, and goes on under another executor."""
    scene(3, "Pause and resume")
    begun = threading.Event()
    quest = new_quest("BillingService")
    with QuestExecutor(ExecutionHooks(on_step_start=lambda _: begun.set()), repo) as executor:
        go_on.clear()
        running = asyncio.create_task(executor.execute_quest(quest))
        await asyncio.to_thread(begun.wait)
        pausing = asyncio.create_task(executor.pause_quest(quest.quest_id))
        while repo.status(quest.quest_id) is not ExecutionStatus.PAUSING:  # noqa: ASYNC110  (any process may change it)
            await asyncio.sleep(0.01)
        say("a pause was asked for; the running step may end")
        go_on.set()
        paused = await pausing
        await running
    say(f"{paused.status}: {paused.progress['completed']} steps done, {paused.progress['remaining']} to come")
    with QuestExecutor(repository=repo) as another:
        resumed = await another.resume_quest(quest.quest_id)
        say(f"resumed by another executor: {resumed.status}; no step ran twice: {len(repo.runs(quest.quest_id))} runs")
        strict = await another.replay_quest(quest.quest_id, from_lord="sentinel", set={"input_data.strictness": 9})
    say(f"replayed from the sentinel, nine times as strict: {strict.output_data}")


async def analytics_and_history(repo: QuestRepository) -> None:
    """Scene 4: quests that succeed, are retried and fail, counted and timed."""
    scene(4, "History and statistics")
    kinds = {0: "always", 1: "once"}
    with QuestExecutor(repository=repo) as executor:
        for number in range(SMALL_QUESTS):
            service = SERVICES[number % len(SERVICES)]
            await executor.execute_quest(new_quest(service, hurry=True, flaky=kinds.get(number % 8, "")))
    stats = repo.get_quest_stats()
    for name in ("total_quests", "completed", "failed", "running", "paused"):
        say(f"{name}: {stats[name]}")
    for name in ("avg_duration_seconds", "max_duration_seconds", "min_duration_seconds"):
        say(f"{name}: {stats[name]:.3f}")
    failed = repo.list_quests(status=ExecutionStatus.FAILED, limit=1)[0]
    say(f"the last that failed: {str(failed.error).splitlines()[0]}")


def lord_metrics(repo: QuestRepository) -> None:
    """Scene 5: how the Lords did; every attempt counts."""
    scene(5, "Lords")
    rows = Table("Lord", "tool", "runs", "errors", "success", "average", "longest")
    for row in repo.get_lord_stats():
        rows.add_row(
            row["lord_name"],
            row["tool_name"],
            str(row["total_runs"]),
            str(row["errors"]),
            f"{row['success_rate']:.1f} %",
            f"{row['avg_duration_seconds']:.3f} s",
            f"{row['max_duration_seconds']:.3f} s",
        )
    rich_print(rows)


def filters_and_pages(repo: QuestRepository) -> None:
    """Scene 6: by status, by label, by time; by offset, and by cursor."""
    scene(6, "Filters and pages")
    newest = repo.list_quests(limit=1)[0]
    say(f"completed: {len(repo.list_quests(status=ExecutionStatus.COMPLETED, limit=500))}")
    say(f"failed or paused: {len(repo.list_quests(status=['failed', 'paused'], limit=500))}")
    say(f"of AuthService: {len(repo.list_quests(labels={'service': 'AuthService'}, limit=500))}")
    first, second = (repo.list_quests(limit=PAGE, offset=offset) for offset in (0, PAGE))
    say(f"by offset: {len(first)} and {len(second)} quests; the newest is {newest.quest_id}")
    sizes, cursor = [], None
    while True:
        page = repo.page(QuestFilter(quest_type="design_microservice"), limit=PAGE, cursor=cursor)
        sizes.append(len(page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
    say(f"by cursor, to the end: pages of {', '.join(map(str, sizes))}")


def scene(number: int, title: str) -> None:
    """Print the title of a scene."""
    rich_print(f"\n[bold]Scene {number}: {title}[/bold]")


def say(text: str) -> None:
    """Print one line of a scene."""
    print(f"  {text}")


async def play(path: str) -> None:
    """Play all scenes on the database at `path`."""
    with QuestRepository(path) as repo:
        quest = await execution_with_auto_save(repo)
        snapshots(repo, quest)
        await pause_and_resume(repo)
        await analytics_and_history(repo)
        lord_metrics(repo)
        filters_and_pages(repo)
    print(f"\nEverything is in {path}: questline list --database-url sqlite:///{path}")


if __name__ == "__main__":
    asyncio.run(play(sys.argv[1] if len(sys.argv) > 1 else "demo_quests.db"))
