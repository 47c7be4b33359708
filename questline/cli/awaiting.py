"""Waiting for a quest's end, with its progress on stderr: a bar on a terminal, a line per change elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from questline.cli.display import formatting, output
from questline.cli.exit_codes import MEANINGS, ExitCode, outcome
from questline.cli.invocation import Invocation
from questline_persistence.errors import WaitTimeout
from questline_persistence.states import AT_REST, ExecutionStatus
from questline_scheduler.pauses import growing_pauses

if TYPE_CHECKING:
    from questline_persistence.models import QuestExecutionData
    from questline_persistence.records import Cause

#: First and longest wait between two looks at the quest, in seconds.
LOOK_FIRST, LOOK_LONGEST = 0.02, 0.4
#: A quest that has not moved for this long is explained, in seconds.
PATIENCE = 3.0

Report = Callable[["QuestExecutionData"], None]


def wait(invocation: Invocation, quest_id: str, timeout: float | None) -> QuestExecutionData:
    """Wait until a quest is completed, failed, cancelled or paused, and return it, whole.

    Raises:
      QuestNotFound: there is no such quest.
      WaitTimeout: it goes on after `timeout` seconds.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    pauses, explain = growing_pauses(LOOK_FIRST, LOOK_LONGEST), _Explainer(invocation)
    with _progress() as report:
        while True:
            quest = invocation.repository.glance(quest_id)
            report(quest)
            if quest.status in AT_REST:
                return invocation.repository.load_quest(quest_id)
            pause = next(pauses)
            if deadline is not None and time.monotonic() + pause > deadline:
                raise WaitTimeout.of(quest_id, quest.status, timeout or 0.0)
            explain(quest)
            time.sleep(pause)


def note_outcome(quest: QuestExecutionData) -> None:
    """Say on stderr why a quest was not completed, what to do, and what the exit code tells."""
    code = outcome(quest.status)
    if code is ExitCode.OK:
        return
    why = formatting.first_line(quest.error or quest.reason or "")
    output.note(f"Quest {quest.quest_id} {quest.status.told}" + (f": {why}" if why else ""))
    paused = quest.status is ExecutionStatus.PAUSED
    advice = "to let it go on, run: questline resume" if paused else "to see why, run: questline show"
    output.note(f"Hint: {advice} {quest.quest_id}")
    output.note(f"Exit code {code:d}: {MEANINGS[code]}.")


class _Explainer:
    """Says why a quest does not move, when it has not for a while, once for each cause."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._version = -1
        self._since = time.monotonic()
        self._said: set[Cause] = set()

    def __call__(self, quest: QuestExecutionData) -> None:
        if quest.version != self._version:
            self._version, self._since = quest.version, time.monotonic()
        if time.monotonic() - self._since < PATIENCE:
            return
        from questline_persistence.records import explained_quest  # noqa: PLC0415  (200 ms that --help does not need)

        self._since = time.monotonic()
        found = explained_quest(self._invocation.repository, quest.quest_id, whole=False).situation
        if not found.well and found.cause not in self._said:
            self._said.add(found.cause)
            output.note(f"Waiting: {found.message}" + (f" ({found.hint})" if found.hint else ""))


@contextmanager
def _progress() -> Iterator[Report]:
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=output.console_for(sys.stderr), transient=True) as bar:
        task = bar.add_task("new")

        def report(quest: QuestExecutionData) -> None:
            done, left = quest.progress["completed"], quest.progress["remaining"]
            description = f"{quest.status}{formatting.step_progress(quest)}"
            bar.update(task, description=description, completed=done, total=done + left)

        yield report


class _Lines:
    """Reports a quest's progress as plain lines, one per change."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, quest: QuestExecutionData) -> None:
        line = f"{quest.status} {formatting.progress(quest)}{formatting.step_progress(quest)}"
        if line != self._last:
            self._last = line
            output.note(line)
