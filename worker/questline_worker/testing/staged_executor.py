"""An executor for tests: time passes for it where a quest waits for nothing else, and it can be made to crash."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from questline_persistence.claims import Claim, Doorbell, Outcome
from questline_persistence.errors import QuestConflict
from questline_persistence.models import QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_persistence.states import ExecutionStatus, TicketState
from questline_persistence.step_names import StepName
from questline_worker.executor import ExecutionHooks, QuestExecutor
from questline_worker.lords import AllHooks, StepHooks
from questline_worker.testing.stage import Stage

T = TypeVar("T")

#: How often the clock is moved on for one quest at most: one that is put off for ever would never end.
MAX_JUMPS = 5_000


class StagedExecutor(QuestExecutor):
    """A `QuestExecutor` for tests, on a store in memory whose clock is moved on wherever a quest waits for its time.

    So `Retry(after=3600)` takes no hour, and all that the store remembers is an hour older behind it. It is the store's
    clock alone: your program's own stays as it is.

    Parameters:
      hooks: as for `QuestExecutor`.
      repository: a store in memory; without one, the executor makes its own.

    Raises:
      ConfigurationError: the repository is none of a store in memory.

    Example:
      with StagedExecutor() as executor:
          executor.crash_at("architect:design_system")
          quest = executor.run({"quest_type": "design_microservice", "input_data": {"service": "billing"}})
          assert quest.steps[0].lost == 1
    """

    def __init__(self, hooks: ExecutionHooks | None = None, repository: QuestRepository | None = None) -> None:
        self._stage = Stage()
        self._jumps: Counter[str] = Counter()
        super().__init__(hooks, repository)
        self.move_clock(0.0)

    @property
    def last_end(self) -> tuple[Claim, Outcome]:
        """The claim that ended last, and how."""
        return self._stage.last_end

    def run(self, quest_data: QuestExecutionData | Mapping[str, Any]) -> QuestExecutionData:
        """Run a quest until it stops, as `execute_quest` does, for a test that is not async; return it as it then is.

        Parameters:
          quest_data: the quest, or its object as in a quest file.

        Raises:
          PayloadError: as `execute_quest`.
          QuestConflict: as `execute_quest`; or the quest waits again and again, and does not end.
        """
        return awaited(self.execute_quest(quest_data))

    def move_clock(self, seconds: float) -> None:
        """Move the store's clock on, so that what is kept for a time is over, and what waits may run.

        Parameters:
          seconds: how far.

        Raises:
          ValueError: it is to go back.
        """
        self.repository.database.move_clock(seconds)
        if self._process.lease.alive:
            self._process.lease.beat()  # nothing was silent for so long

    def crash_at(self, step: StepName) -> None:
        """Have the process die at the end of a step, once: what the handler did is done, and nothing of it is stored.

        A step that crashed is claimed anew, as if by another worker, once its worker is known to be lost. It spends no
        attempt.

        Parameters:
          step: `"lord:tool"`, the Lord's function, or the step's position, such as `"0002"`.

        Raises:
          PayloadError: a function is given that is no Lord's.
        """
        self._stage.crash_at(step)

    @property
    def crashed(self) -> bool:
        """Whether it has crashed where it was to."""
        return self._stage.crashed

    async def attempt(self, quest: QuestExecutionData, attempts: int) -> QuestExecutionData:
        """Run so many attempts of the steps of a quest that is kept in the store, and return it as it then is."""
        return await self._driven(quest.quest_id, partial(self._resume, quest.quest_id), attempts=attempts)

    def keep(self, quest: QuestExecutionData, outputs: Mapping[str, Any]) -> None:
        """Keep a quest in the store that some Lords have run already, with these outputs."""
        self.repository.save_quest(quest.model_copy(update={"run_data": dict(outputs), "status": ExecutionStatus.NEW}))

    async def _driven(
        self, quest_id: str, begin: Callable[[], object], *, attempts: float = math.inf
    ) -> QuestExecutionData:
        self._stage.enter()
        return await super()._driven(quest_id, begin, attempts=attempts)

    def _step_hooks(self) -> StepHooks:
        return AllHooks([self.hooks, self._stage])

    def _start_sweeps(self) -> None:
        """Begin none: nobody else works on this store, and whose clock jumps would take itself for lost."""

    def _find(self, quest_id: str) -> Doorbell | bool:
        if self._stage.take_crash():
            self._recover()
        found = super()._find(quest_id)
        return super()._find(quest_id) if found is True and self._pass_time(quest_id) else found

    def _recover(self) -> None:
        """Do what a supervisor does once a process has died, and go on as its successor."""
        dead = self._process.register.declare_dead(self._process.process_id)
        self._sweeper.sweep(workers_of=dead)
        self._process.lease.run_once()

    def _pass_time(self, quest_id: str) -> bool:
        """Move the clock to where a quest goes on that waits for its time alone; return whether it does.

        Raises:
          QuestConflict: it has waited too often.
        """
        tickets = self.repository.tickets(quest_id)
        if not tickets or any(ticket.state is not TicketState.READY for ticket in tickets):
            return False
        wait = min(ticket.available_at for ticket in tickets) - self.repository.database.clock.now()
        if wait > 0:
            self._jumps[quest_id] += 1
            if self._jumps[quest_id] > MAX_JUMPS:
                message = f"quest {quest_id} still waits after the clock has jumped {MAX_JUMPS:,} times"
                raise QuestConflict(message, hint="a Lord may put its step off for ever: let it give up some day")
            self.move_clock(wait)
        return True


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns; where an event loop runs already, it runs on one of its own beside it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(copy_context().run, asyncio.run, work).result()
