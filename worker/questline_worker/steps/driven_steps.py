"""The steps of the quests that are awaited in this process.

A sync handler has a thread for as long as it runs. An async one is awaited where its quest is, on the caller's event
loop, and holds none. Nothing here runs on asyncio's default pool: that is the caller's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass

from questline_persistence.claims import Failed, GivenBack, Outcome
from questline_persistence.log import get_logger
from questline_persistence.store import Threads
from questline_worker.lords import is_async
from questline_worker.steps.execution import Execution
from questline_worker.steps.pending import Pending
from questline_worker.steps.running import RunningStep

log = get_logger(__name__)

#: Threads that claim steps, and begin async ones.
CLAIMERS = 8
#: Most sync steps at a time, each on a thread of its own. Such a step may wait for quests, so that these must be many.
MOST_SYNC = 1_000
#: Threads that commit what came of async steps.
SETTLERS = 4
#: Seconds that those get, once nothing runs any more.
SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Begun:
    """An async step that a thread has begun: what to await, and whom to tell what became of it."""

    step: RunningStep
    pending: Pending
    ended: Callable[[Outcome], object]


class Turn:
    """One step's way from the thread that claims it to the loop that awaits it."""

    def __init__(self) -> None:
        self._step: RunningStep | None = None
        self._begun: Begun | None = None
        self._over = False
        self._changing = threading.Lock()

    @property
    def step(self) -> RunningStep | None:
        """The step, once it is claimed."""
        return self._step

    def take(self, step: RunningStep) -> None:
        """Go on with a step that is claimed."""
        self._step = step

    def offer(self, begun: Begun) -> bool:
        """Hand an async step over to the loop; False where nobody waits for it any more."""
        with self._changing:
            if not self._over:
                self._begun = begun
            return not self._over

    def leave(self) -> Begun | None:
        """Wait no longer for the thread; return the async step that it has begun, once."""
        with self._changing:
            self._over = True
            begun, self._begun = self._begun, None
            return begun


class DrivenSteps:
    """Calls handlers for those who await quests.

    Parameters:
      execution: calls handlers.
      shutdown_seconds: time that sync steps get to end once they are closed.
    """

    def __init__(self, execution: Execution, shutdown_seconds: float) -> None:
        self._execution = execution
        self._shutdown_seconds = shutdown_seconds
        self._threads = Threads("questline-step", CLAIMERS, aside=MOST_SYNC)
        self._settlers = Threads("questline-settler", SETTLERS)
        self._here = threading.local()
        self._deadline: float | None = None

    def submit(self, turn: Turn, run: Callable[[], object]) -> Future[None]:
        """Have a thread run one step, in a copy of the caller's context; return its future, cancelled once closed."""
        try:
            return self._threads.submit(copy_context().run, self._run, turn, run)
        except RuntimeError:
            refused: Future[None] = Future()
            refused.cancel()
            return refused

    def begin(self, step: RunningStep) -> Outcome | Pending:
        """Call the handler of a claimed step; an async one is left to be awaited."""
        turn: Turn = self._here.turn
        turn.take(step)
        with nullcontext() if is_async(step.claim.handler) else self._threads.stepped_aside():
            begun = self._execution.begin(step)
        # A step that waited for a quest of its own fails since that was stopped: it is to be run again.
        return GivenBack() if self._deadline is not None and isinstance(begun, Failed) else begun

    def start(self, step: RunningStep, pending: Pending, ended: Callable[[Outcome], object]) -> Outcome | None:
        """Let an async step go on where its quest is awaited.

        Returns:
          None, or what becomes of a step that nobody awaits any more.
        """
        turn: Turn = self._here.turn
        if turn.offer(Begun(step, pending, ended)):
            return None
        pending.close()
        return GivenBack()

    def settle(self, begun: Begun, conclude: Callable[[], Outcome], then: Callable[[], object]) -> None:
        """Commit what came of an async step, on another thread, and call `then`."""
        begun.pending.close()
        try:
            self._settlers.submit(self._settle, begun, conclude, then)
        except RuntimeError:
            if self._settlers.closed:  # all that ran has been given back
                then()
            else:  # the system gives no thread: the step must not be held until its lease ends
                self._settle(begun, conclude, then)

    def close(self) -> None:
        """Begin no more steps, and begin to count the time that sync ones have to end."""
        self._deadline = time.monotonic() + self._shutdown_seconds
        self._threads.close()

    def join(self) -> None:
        """Wait until nothing runs on a thread, at most until that time is over."""
        self._threads.join(max(0.0, (self._deadline or 0.0) - time.monotonic()))
        self._settlers.close()
        self._settlers.join(SETTLE_SECONDS)

    def _run(self, turn: Turn, run: Callable[[], object]) -> None:
        self._here.turn = turn
        run()

    def _settle(self, begun: Begun, conclude: Callable[[], Outcome], then: Callable[[], object]) -> None:
        claim = begun.step.claim
        try:
            begun.ended(conclude())
        except Exception:
            log.exception("step_broken", quest_id=claim.quest_id, position=claim.position)
        finally:
            then()
