"""Runs quests in this very process, awaited: for scripts, notebooks, tests and small services.

The journal, the actor and the middleware are those of a worker pool; only the doorbell is a variable, and async
handlers run on the caller's own event loop.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

from questline_persistence.arguments import wrong_type
from questline_persistence.claims import Doorbell
from questline_persistence.errors import QuestConflict
from questline_persistence.models import QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_persistence.settings import load
from questline_persistence.states import TERMINAL, ExecutionStatus
from questline_scheduler.client import QuestClient, QuestRef, id_of
from questline_scheduler.loops import Loop, make_sweeper
from questline_scheduler.pauses import growing_pauses
from questline_scheduler.quest_file import read_quest
from questline_scheduler.quest_types import steps_of
from questline_worker.executor.drive import LOOK_FIRST, LOOK_LONGEST, Drive
from questline_worker.executor.inline_broker import InlineBroker
from questline_worker.executor.runnable_steps import RunnableSteps
from questline_worker.executor.store_calls import StoreCalls
from questline_worker.lords import ExecutionHooks, StepHooks
from questline_worker.middleware import Ledger, StepLogs
from questline_worker.process import WorkerProcess
from questline_worker.steps import DrivenSteps, Execution


class QuestExecutor:
    """Runs quests in this process, each step checkpointed like on a worker.

    Parameters:
      hooks: functions to call as quests go on.
      repository: where quests are kept; without one, they live in memory and end with the process.

    Raises:
      PayloadError: an argument is of a wrong type.

    Parameters of its methods:
      quest_id: the quest: its id, its handle, or the quest as it was read.

    Raised by its methods:
      StoreUnavailable: the store did not answer.

    Example:
      with QuestExecutor() as executor:
          order = {"quest_type": "design_microservice", "input_data": {"service": "billing"}}
          quest = asyncio.run(executor.execute_quest(order))
    """

    def __init__(self, hooks: ExecutionHooks | None = None, repository: QuestRepository | None = None) -> None:
        if not isinstance(hooks, ExecutionHooks | None):
            raise wrong_type(hooks, "hooks", "an ExecutionHooks", "such as ExecutionHooks(on_step_end=print)")
        if not isinstance(repository, QuestRepository | None):
            raise wrong_type(repository, "repository", "a QuestRepository", 'such as QuestRepository("quests.db")')
        self.hooks = hooks or ExecutionHooks()
        self._owns_repository = repository is None
        self.repository = repository or QuestRepository(":memory:")
        settings = load(namespace=self.repository.namespace)
        store = self.repository.database
        self._broker = InlineBroker()
        self._step_logs = StepLogs(store)
        ledger = Ledger(store, settings.namespace)
        execution = Execution(self.repository, self._step_logs.put, spend=ledger.note, captures=settings.capture_output)
        self._steps = DrivenSteps(execution, settings.shutdown_seconds)
        self._process = WorkerProcess(
            settings,
            loops=False,
            database=store,
            broker=self._broker,
            hooks=self._step_hooks(),
            driven=self._steps,
            step_logs=self._step_logs,
            ledger=ledger,
        )
        self._client = QuestClient(namespace=self.repository.namespace, database=store, broker=self._broker)
        self._sweeper = make_sweeper(store, self._broker, settings, heard=False)
        self._sweeps = Loop(self._sweeper)
        self._runnable = RunnableSteps(
            self.repository, self._process.bells, self._process.register, self._process.journal.identity
        )
        self._calls = StoreCalls(_closed)
        self._drives: set[Drive] = set()
        self._changing = threading.Lock()
        self._closed = False
        self._made_in = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what still runs, to be run again by others, and sign off; a repository that was given stays open.

        Async steps are cancelled and given back. Sync ones get `shutdown_seconds` to end, then they are given back too.
        Who awaits a quest gets a `QuestConflict`. Closing twice is harmless.
        """
        if os.getpid() != self._made_in:  # the parent's threads and its name among the workers are not ours to end
            return
        with self._changing:
            if self._closed:
                return
            self._steps.close()  # before anything is stopped: a step that fails by that is to be run again
            self._closed = True
            drives = [*self._drives]
        for drive in drives:
            drive.stop()
        self._sweeps.stop()
        self._process.leave()
        self._calls.close()
        if self._owns_repository:
            self.repository.close()

    async def execute_quest(self, quest_data: QuestExecutionData | Mapping[str, Any]) -> QuestExecutionData:
        """Submit a quest and run it until it stops; return it as it then is.

        A failed step does not raise: the quest's `status` and `error` tell. A quest that has been saved, but never
        run, is run as it was saved. Once the awaiting task is cancelled no further step begins.

        Parameters:
          quest_data: the quest, or its object as in a quest file.

        Raises:
          PayloadError: the quest is malformed, or names a Lord that neither this process knows nor a worker that is
            alive; nothing is stored then.
          QuestConflict: a quest of that id exists already, and has been run; or it has come to a step whose Lord nobody
            knows; or this executor is closed.
        """
        quest = await self._calls.make(partial(_complete, quest_data))
        return await self._driven(quest.quest_id, partial(self._submit, quest))

    async def pause_quest(self, quest_id: QuestRef) -> QuestExecutionData:
        """Pause a quest, wait until its running step has ended, and return it.

        Whoever awaits the quest in this executor has it by then, so that the executor may be closed.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: it has ended already, or this executor is closed.
        """
        quest_id = id_of(quest_id)
        await self._calls.make(partial(self._client.pause, quest_id))
        status = partial(self.repository.status, quest_id)
        for pause in growing_pauses(LOOK_FIRST, LOOK_LONGEST):
            now = await self._calls.make(status)
            if now is not ExecutionStatus.PAUSING and not (now is ExecutionStatus.PAUSED and self._drives_on(quest_id)):
                break
            await asyncio.sleep(pause)
        return await self._calls.make(partial(self.load_quest, quest_id))

    async def resume_quest(self, quest_id: QuestRef) -> QuestExecutionData:
        """Go on with a quest that was paused, or whose process ended, and run it until it stops.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: it has ended already, has come to a step whose Lord nobody knows, or this executor is closed.
        """
        quest_id = id_of(quest_id)
        return await self._driven(quest_id, partial(self._resume, quest_id))

    async def replay_quest(
        self,
        quest_id: QuestRef,
        from_lord: str | None = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002  (as on the command line)
        *,
        from_: str | None = None,
        keep_state: bool = False,
        keep_once: bool = False,
    ) -> QuestExecutionData:
        """Take a quest back to its beginning, or to a step, and run it again from there until it stops.

        Parameters:
          from_lord: another name of `from_`.
          set: corrections, as of `QuestClient.replay`.
          from_: the step to start from, as of `QuestClient.replay`.
          keep_state: leave the keys that quests share as they are; those that are the quest's own go back all the same.
          keep_once: serve what the steps have recorded by `ctx.once`, rather than make those calls anew.

        Raises:
          QuestNotFound: there is no such quest or step.
          QuestConflict: the step has not been reached yet, nobody knows its Lord, or this executor is closed.
          PayloadError: both `from_` and `from_lord` were given, or a correction's path leads nowhere.
        """
        quest_id = id_of(quest_id)
        kept = partial(self._client.replay, keep_state=keep_state, keep_once=keep_once)
        replay = partial(kept, quest_id, from_, set, from_lord=from_lord)
        return await self._driven(quest_id, replay)

    def load_quest(self, quest_id: QuestRef) -> QuestExecutionData:
        """Return a quest from the repository.

        Raises:
          QuestNotFound: there is no such quest.
        """
        return self.repository.load_quest(id_of(quest_id))

    def _step_hooks(self) -> StepHooks:
        """Return what is told of every step."""
        return self.hooks

    def _submit(self, quest: QuestExecutionData) -> None:
        """Submit a quest, or take up the one that was saved under its id."""
        self._runnable.refuse_unknown(quest)
        try:
            self._client.submit(quest)
        except QuestConflict as conflict:
            if self.repository.status(quest.quest_id) is not ExecutionStatus.NEW:
                raise
            try:
                self._client.resume(quest.quest_id)
            except QuestConflict:
                raise conflict from None

    def _resume(self, quest_id: str) -> None:
        """Resume a quest; one that is under way, be it in a process that has died, is left as it is."""
        status = self.repository.status(quest_id)
        try:
            self._client.resume(quest_id)
        except QuestConflict:
            if status in TERMINAL:
                raise

    async def _driven(
        self, quest_id: str, begin: Callable[[], object], *, attempts: float = math.inf
    ) -> QuestExecutionData:
        """Run the steps of a quest one after the other until it stops; `begin` has it ready for that."""
        find = partial(self._calls.make, partial(self._find, quest_id))
        drive = Drive(quest_id, self._steps, self._broker, self._run, find)
        self._start(drive)
        try:
            await drive.to_its_end(partial(self._calls.make, begin), attempts=attempts)
            if self._step_logs.pending:
                await self._calls.make(self._step_logs.flush)
            quest = await self._calls.make(partial(self.load_quest, quest_id))
        except asyncio.CancelledError:
            if drive.end():
                raise _closed(quest_id) from None
            raise
        finally:
            drive.end()
            with self._changing:
                self._drives.discard(drive)
        self.hooks.quest_ended(quest)
        return quest

    def _find(self, quest_id: str) -> Doorbell | bool:
        """Return the bell of a quest's step that may run here and now, or else whether the quest goes on."""
        return self._runnable.find(quest_id)

    def _drives_on(self, quest_id: str) -> bool:
        """Tell whether a task awaits a quest here and will have it, but has not yet."""
        with self._changing:
            return any(drive.quest_id == quest_id and drive.goes_on for drive in self._drives)

    def _start(self, drive: Drive) -> None:
        """Count a quest among those that are awaited, and make sure that this process is known as a worker."""
        if os.getpid() != self._made_in:
            raise QuestConflict("this executor was made before a fork", hint="make a QuestExecutor in each process")
        with self._changing:
            if self._closed:
                raise _closed()
            if not self._process.lease.alive:
                self._process.lease.start(threads=1)
                self._start_sweeps()
            self._drives.add(drive)
        self._process.lease.learn()  # a notebook registers Lords as it goes

    def _start_sweeps(self) -> None:
        """Begin to free what workers leave behind that are gone."""
        self._sweeps.start()

    def _run(self, bell: Doorbell) -> None:
        """Claim and run the step of a bell."""
        self._process.actor(quest_id=bell.quest_id, epoch=bell.epoch, position=bell.position)


def _complete(quest_data: QuestExecutionData | Mapping[str, Any]) -> QuestExecutionData:
    """Return a quest with its steps, made by its type if it has none."""
    quest = quest_data if isinstance(quest_data, QuestExecutionData) else read_quest(quest_data)
    return quest.model_copy(update={"execution_stack": steps_of(quest)})


def _closed(quest_id: str | None = None) -> QuestConflict:
    what = "this executor is closed" if quest_id is None else f"the executor was closed while quest {quest_id} ran"
    return QuestConflict(
        what, hint="make a new QuestExecutor; its resume_quest goes on with a quest that has not ended"
    )
