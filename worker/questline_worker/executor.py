"""Runs quests in this very process, awaited: for scripts, notebooks, tests and small services.

The journal, the actor and the middleware are those of a worker pool; only the doorbell is a variable.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

from questline_persistence.errors import QuestConflict
from questline_persistence.models import QuestExecutionData
from questline_persistence.repository import QuestRepository
from questline_persistence.settings import load
from questline_persistence.states import TERMINAL, ExecutionStatus
from questline_scheduler.client import QuestClient
from questline_worker.hooks import ExecutionHooks
from questline_worker.inline_broker import InlineBroker
from questline_worker.lords import known_handlers
from questline_worker.process import WorkerProcess

__all__ = ["ExecutionHooks", "QuestExecutor"]

T = TypeVar("T")

#: Seconds between two looks at a quest whose step is run elsewhere, or waits.
LOOK_SECONDS = 0.02
#: Seconds between two looks for steps whose process has died.
SWEEP_SECONDS = 1.0

_STOPPED = TERMINAL | {ExecutionStatus.PAUSED}


class QuestExecutor:
    """Runs quests in this process, each step checkpointed like on a worker.

    Parameters:
      hooks: functions to call as quests go on.
      repository: where quests are kept; without one, they live in memory and end with the process.
    """

    def __init__(self, hooks: ExecutionHooks | None = None, repository: QuestRepository | None = None) -> None:
        self.hooks = hooks or ExecutionHooks()
        self._owns_repository = repository is None
        self.repository = repository or QuestRepository(":memory:")
        self._broker = InlineBroker()
        settings = load(namespace=self.repository.namespace)
        self._process = WorkerProcess(
            settings,
            loops=False,
            database=self.repository.database,
            broker=self._broker,
            hooks=self.hooks,
            behind=False,
        )
        self._client = QuestClient(
            namespace=self.repository.namespace, database=self.repository.database, broker=self._broker
        )
        self._swept_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what still runs, to be run again by others, and sign off; a repository that was given stays open."""
        for step in self._process.running.all():
            step.lose()
        self._process.lease.stop()
        self._process.event_loop.stop()
        if self._owns_repository:
            self.repository.close()

    async def execute_quest(self, quest_data: QuestExecutionData | Mapping[str, Any]) -> QuestExecutionData:
        """Submit a quest and run it until it stops; return it as it then is.

        A failed step does not raise: the quest's `status` and `error` tell. A quest that has been saved, but never
        run, is run as it was saved.

        Raises:
          PayloadError: the quest is malformed.
          QuestConflict: a quest of that id exists already, and has been run.
        """
        quest_id = await _in_thread(lambda: self._submitted(quest_data))
        return await self._driven(quest_id)

    async def pause_quest(self, quest_id: str) -> QuestExecutionData:
        """Pause a quest, wait until its running step has ended, and return it.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: it has ended already.
        """
        await _in_thread(lambda: self._client.pause(quest_id))
        while await _in_thread(lambda: self.repository.status(quest_id)) is ExecutionStatus.PAUSING:  # noqa: ASYNC110  (only rows tell)
            await asyncio.sleep(LOOK_SECONDS)
        return await _in_thread(lambda: self.load_quest(quest_id))

    async def resume_quest(self, quest_id: str) -> QuestExecutionData:
        """Go on with a quest that was paused, or whose process ended, and run it until it stops.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: it has ended already.
        """
        await _in_thread(lambda: self._resumed(quest_id))
        return await self._driven(quest_id)

    async def replay_quest(
        self,
        quest_id: str,
        from_lord: str | None = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002  (as on the command line)
    ) -> QuestExecutionData:
        """Take a quest back to its beginning, or to a Lord, and run it again from there until it stops.

        Parameters:
          from_lord: a Lord, or anything else that `QuestClient.replay` takes as `from_`.
          set: corrections, as of `QuestClient.replay`.

        Raises:
          QuestNotFound: there is no such quest or Lord.
          QuestConflict: the Lord has not been reached yet.
        """
        await _in_thread(lambda: self._client.replay(quest_id, from_lord, set))
        return await self._driven(quest_id)

    def load_quest(self, quest_id: str) -> QuestExecutionData:
        """Return a quest from the repository.

        Raises:
          QuestNotFound: there is no such quest.
        """
        return self.repository.load_quest(quest_id)

    def _submitted(self, quest_data: QuestExecutionData | Mapping[str, Any]) -> str:
        """Submit a quest, or take up the one that was saved under its id; return the id."""
        try:
            return self._client.submit(quest_data).quest_id
        except QuestConflict as conflict:
            quest_id: str = quest_data["quest_id"]
            if self.repository.status(quest_id) is not ExecutionStatus.NEW:
                raise
            try:
                return self._client.resume(quest_id).quest_id
            except QuestConflict:
                raise conflict from None

    def _resumed(self, quest_id: str) -> None:
        """Resume a quest; one that is under way, be it in a process that has died, is left as it is."""
        status = self.repository.status(quest_id)
        try:
            self._client.resume(quest_id)
        except QuestConflict:
            if status in TERMINAL:
                raise

    async def _driven(self, quest_id: str) -> QuestExecutionData:
        """Run the steps of a quest one after the other until it stops."""
        if not self._process.lease.alive:
            self._process.lease.start(threads=1)
        self._process.journal.handlers = known_handlers()  # a notebook registers Lords as it goes
        while not await _in_thread(lambda: self._advance(quest_id)):  # noqa: ASYNC110  (only rows tell)
            await asyncio.sleep(LOOK_SECONDS)
        quest = await _in_thread(lambda: self.load_quest(quest_id))
        self.hooks.quest_ended(quest)
        return quest

    def _advance(self, quest_id: str) -> bool:
        """Run what is ready of a quest; return whether it has stopped."""
        bell = self._broker.take(quest_id) or self._process.recovery.bell_of(quest_id)
        while bell is not None:
            self._process.actor(quest_id=bell.quest_id, epoch=bell.epoch, position=bell.position)
            bell = self._broker.take(quest_id)
        self._sweep()
        return self.repository.status(quest_id) in _STOPPED

    def _sweep(self) -> None:
        """Now and then take steps away from processes that have died."""
        if time.monotonic() - self._swept_at > SWEEP_SECONDS:
            self._swept_at = time.monotonic()
            self._broker.ring(self._process.recovery.sweep().doorbells)


async def _in_thread(work: Callable[[], T]) -> T:
    """Return `work()`, run in a thread, so that the caller's event loop goes on meanwhile."""
    return await asyncio.to_thread(work)
