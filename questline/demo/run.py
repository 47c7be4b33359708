"""Runs the demonstration from end to end and tells of it as it goes."""

from __future__ import annotations

import shlex
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from questline.demo import scenes
from questline.demo.pool import NAMESPACE, Pool, review_module
from questline.demo.verdict import complaints
from questline_persistence.errors import QuestlineError
from questline_persistence.models import QuestExecutionData
from questline_scheduler.client import QuestClient


def run(directory: Path | None = None) -> int:
    """Run the demonstration; return the exit code: 0 only if every quest ended as expected.

    Parameters:
      directory: where the store, the log and the reports go; default: a new folder below `.questline/`.
    """
    console = Console(soft_wrap=True) if not sys.stdout.isatty() else Console()
    folder = directory or Path(".questline") / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder = folder.resolve()
    try:
        (folder / "reports").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        console.print(f"cannot make the folder {folder}: {error.strerror}", markup=False)
        return 6
    if {path.name for path in folder.iterdir()} != {"reports"}:
        console.print(f"{folder} is not empty; give an empty folder, or one that does not exist", markup=False)
        return 5
    started = time.monotonic()
    try:
        with Pool(folder) as pool:
            code = _play(console, folder, pool)
    except (QuestlineError, scenes.DemoFailed) as error:
        console.print(f"The demonstration failed: {error}\nThe workers' log: {folder / 'worker.log'}", markup=False)
        return 1
    console.print(f"All of it took {time.monotonic() - started:.1f} s; nothing is left running.", highlight=False)
    return code


def _play(console: Console, folder: Path, pool: Pool) -> int:
    """Play all scenes on a running pool; return the exit code."""
    packages = _packages()
    with QuestClient(pool.database_url, "memory://", NAMESPACE) as client:
        first = [package for package in packages if f"review-{package[0]}" != scenes.PAUSED]
        quest_ids = scenes.submit_reviews(client, first, folder / "reports")
        say = _Teller(console)
        say(f"Submitted {len(quest_ids)} reviews of the standard library's packages, {len(quest_ids) * 5} steps.")
        say(f"Waiting for {scenes.KILLED_AT} to be in the middle of {scenes.KILLED} …")
        kill = scenes.kill_worker(client)
        say(
            f"Killed worker process {kill.pid} (SIGKILL) in the middle of {scenes.KILLED_AT} of {scenes.KILLED}: "
            f"process {kill.new_pid} had the step {kill.recovery_seconds:.2f} s later."
        )
        quest_ids += scenes.submit_reviews(client, [item for item in packages if item not in first], folder / "reports")
        pause = scenes.pause_quest(client)
        say(
            f"Paused {scenes.PAUSED} in the middle of {scenes.PAUSED_AT}: that step ended {pause.wait_seconds:.1f} s "
            f"later, was committed, and {pause.runs_meanwhile or 'no'} step ran while it was paused. Resumed."
        )
        epoch = scenes.replay_quest(client)
        say(f"Replayed {scenes.REPLAYED} from {scenes.REPLAYED_FROM}: epoch {epoch}; the old runs stay in its history.")
        _watch(console, client, pool)
        quests = [client.get(quest_id) for quest_id in quest_ids]
        console.print(_table(quests))
        wrong = complaints(client, quest_ids)
        if pause.runs_meanwhile:
            wrong.append(f"{scenes.PAUSED}: {pause.runs_meanwhile} runs were recorded while it was paused")
    _conclude(console, folder, kill, quests, wrong)
    return 1 if wrong else 0


class _Teller:
    """Prints what happens, each line with its time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()

    def __call__(self, text: str) -> None:
        self._console.print(f"{time.monotonic() - self._started:5.1f} s  {text}", markup=False, highlight=False)


def _packages() -> list[tuple[str, str]]:
    module = import_module(f"{review_module()}.standard_library")
    import_module(review_module())  # registers the quest type
    packages = [(package.name, package.path) for package in module.standard_library_packages()]
    if not packages:
        raise scenes.DemoFailed("this Python carries no sources of its standard library to review")
    return packages


def _watch(console: Console, client: QuestClient, pool: Pool) -> None:
    """Show how the quests come along until all have ended."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + 2 * scenes.PATIENCE
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("quests")
        while True:
            ended, total = scenes.progress(client)
            bar.update(task, completed=ended, total=total)
            if total and ended == total:
                return
            if time.monotonic() > deadline or not pool.running:
                raise scenes.DemoFailed(f"only {ended} of {total} quests have ended")
            time.sleep(0.05)


def _table(quests: list[QuestExecutionData]) -> Table:
    table = Table(title="Reviews", title_justify="left")
    table.add_column("quest")
    table.add_column("status")
    for name in ("epoch", "steps", "seconds", "files", "findings"):
        table.add_column(name, justify="right")
    for quest in quests:
        table.add_row(
            quest.quest_id, quest.status.value, str(quest.epoch), str(quest.progress["completed"]), *_figures(quest)
        )
    return table


def _figures(quest: QuestExecutionData) -> tuple[str, str, str]:
    surveyor: dict[str, Any] = quest.run_data.get("surveyor", {})
    files = surveyor.get("python_files", {}).get("paths", [])
    findings = (quest.output_data or {}).get("findings", [])
    return f"{quest.duration_seconds or 0:.1f}", str(len(files)), str(len(findings))


def _conclude(
    console: Console, folder: Path, kill: scenes.Kill, quests: list[QuestExecutionData], wrong: list[str]
) -> None:
    for text in wrong:
        console.print(f"WRONG: {text}", markup=False)
    if not wrong:
        console.print("Every quest was completed, and every step was committed exactly once.", highlight=False)
    console.print(f"Recovery after the kill: {kill.recovery_seconds:.2f} s.", highlight=False)
    report = next(
        (quest.output_data["html"] for quest in quests if quest.quest_id == scenes.KILLED and quest.output_data), None
    )
    console.print(f"Reports: {folder / 'reports'}\nFor instance: {report}", markup=False, highlight=False)
    url = shlex.quote(f"sqlite:///{folder / 'demo.db'}")
    command = shlex.join([str(Path(sys.argv[0]))]) if Path(sys.argv[0]).name == "questline" else "questline"
    console.print(
        f"Look around: {command} list --database-url {url} --namespace {NAMESPACE}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
