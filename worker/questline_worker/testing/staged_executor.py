"""An executor for tests: it can be stopped after any attempt, and tells how each has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from questline_persistence.claims import Claim, Outcome
from questline_persistence.models import QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_persistence.states import ExecutionStatus
from questline_worker.executor import ExecutionHooks, QuestExecutor
from questline_worker.lords import AllHooks, StepHooks

T = TypeVar("T")


class StagedExecutor(QuestExecutor):
    """Runs quests as `QuestExecutor` does.

    Parameters:
      hooks: as for `QuestExecutor`.
      repository: as for `QuestExecutor`.
    """

    def __init__(self, hooks: ExecutionHooks | None = None, repository: QuestRepository | None = None) -> None:
        self._last = _LastEnd()
        super().__init__(hooks, repository)

    @property
    def last_end(self) -> tuple[Claim, Outcome]:
        """The claim that ended last, and how."""
        if self._last.end is None:
            raise LookupError("no step has run here")
        return self._last.end

    async def attempt(self, quest: QuestExecutionData, attempts: int) -> QuestExecutionData:
        """Run so many attempts of the steps of a quest that is kept in the store, and return it as it then is."""
        return await self._driven(quest.quest_id, partial(self._resume, quest.quest_id), attempts=attempts)

    def keep(self, quest: QuestExecutionData, outputs: Mapping[str, Any]) -> QuestExecutionData:
        """Keep a quest in the store that some Lords have run already, with these outputs."""
        kept = quest.model_copy(update={"run_data": dict(outputs), "status": ExecutionStatus.NEW})
        self.repository.save_quest(kept)
        return kept

    def _step_hooks(self) -> StepHooks:
        return AllHooks([self.hooks, self._last])


class _LastEnd:
    """Notes how the last attempt has ended."""

    def __init__(self) -> None:
        self.end: tuple[Claim, Outcome] | None = None

    def step_started(self, claim: Claim) -> None:
        """Nothing has ended."""

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Note how."""
        self.end = (claim, outcome)

    def step_settled(self, claim: Claim, seconds: float) -> None:
        """It is known already."""

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """Whoever asks reads the quest."""


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns; where an event loop runs already, it runs on one of its own beside it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(copy_context().run, asyncio.run, work).result()
