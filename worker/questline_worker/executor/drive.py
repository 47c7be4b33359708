"""Drives one quest on, step by step, for whoever awaits it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from questline_persistence.claims import Doorbell, GivenBack
from questline_scheduler.pauses import growing_pauses
from questline_worker.executor.inline_broker import InlineBroker
from questline_worker.steps import Begun, DrivenSteps, RunningStep, Turn, interruption_in

#: First and longest wait between two looks at a quest whose step is run elsewhere, or waits; in seconds.
LOOK_FIRST, LOOK_LONGEST = 0.02, 0.25
#: How long a handler whose claim is gone may take to end before its quest goes on without it, in seconds.
LOST_SECONDS = 1.0


class Drive:
    """One quest that the present task awaits. Once cancelled it begins no more steps, and gives back an async one.

    Parameters:
      quest_id: the quest.
      steps: runs its steps.
      broker: rings for them.
      run: claims and runs the step of a bell, on the thread that calls it.
      look: returns the bell of a step that may run now, or whether the quest goes on.
    """

    def __init__(
        self,
        quest_id: str,
        steps: DrivenSteps,
        broker: InlineBroker,
        run: Callable[[Doorbell], object],
        look: Callable[[], Awaitable[Doorbell | bool]],
    ) -> None:
        self.quest_id = quest_id
        self._steps = steps
        self._broker = broker
        self._run = run
        self._look = look
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._cancelled_before = self._task.cancelling() if self._task else 0
        self._woken = asyncio.Event()
        self._over = self._stopped = False

    async def to_its_end(self, begin: Callable[[], Awaitable[object]], *, attempts: float = math.inf) -> None:
        """Run the quest's steps, one after the other, until it stops.

        Parameters:
          begin: has the quest ready for that: submits, resumes or replays it, once its bells are kept here.
          attempts: how many attempts to run at most.

        Raises:
          KeyboardInterrupt: an async handler was interrupted; its step is given back.
        """
        pauses = growing_pauses(LOOK_FIRST, LOOK_LONGEST)
        with self._broker.attended(self.quest_id, self._wake):
            await begin()
            while attempts > 0 and (found := await self._found()):
                if isinstance(found, Doorbell) and await self._step(found):
                    attempts -= 1
                    pauses = growing_pauses(LOOK_FIRST, LOOK_LONGEST)
                else:
                    await self._next_wake(next(pauses))

    async def _found(self) -> Doorbell | bool:
        """Return the bell of a step that may run now, or whether the quest goes on."""
        self._woken.clear()  # before one looks: what comes meanwhile is not forgotten
        return self._broker.take(self.quest_id) or await self._look()

    @property
    def goes_on(self) -> bool:
        """Whether the task that awaits the quest can come to its end: it cannot while its event loop does not run."""
        return self._loop.is_running()

    def stop(self) -> None:
        """Cancel the task that awaits the quest, be it from another thread; `end` tells it from other cancellations."""
        with suppress(RuntimeError):  # the loop is closed, and nothing runs on it
            self._loop.call_soon_threadsafe(self._cancel)

    def end(self) -> bool:
        """Let nothing more be cancelled; return whether `stop` alone has done that, and take it back then."""
        if self._over:  # what else is cancelled is its owner's doing
            return False
        self._over = True
        return self._stopped and self._task is not None and self._task.uncancel() <= self._cancelled_before

    def _cancel(self) -> None:
        if self._task is not None and not self._over:
            self._stopped = True
            self._task.cancel()

    async def _step(self, bell: Doorbell) -> bool:
        """Run one step as far as a thread is needed, then await it if it is async; return whether it was to be had."""
        turn = Turn()
        call = self._steps.submit(turn, partial(self._run, bell))
        call.add_done_callback(lambda _: self._wake())
        try:
            while not (call.done() or _is_abandoned(turn.step)):
                await self._next_wake(LOST_SECONDS)
        except asyncio.CancelledError:
            call.cancel()
            if (begun := turn.leave()) is not None:
                self._steps.settle(begun, GivenBack, self._wake)
            raise
        if (begun := turn.leave()) is not None:
            await self._awaited(begun)
        return turn.step is not None

    async def _awaited(self, begun: Begun) -> None:
        """Await an async step, and that what came of it is settled."""
        coroutine = _Coroutine(begun, self._steps, self._loop, self._wake)
        try:
            while not (coroutine.settled or _is_abandoned(begun.step)):
                await self._next_wake(LOST_SECONDS)
        except asyncio.CancelledError:
            coroutine.give_back()
            while not (coroutine.settled or _is_abandoned(begun.step)):
                await self._next_wake(LOST_SECONDS)
            raise
        if coroutine.interruption is not None:
            raise coroutine.interruption

    async def _next_wake(self, seconds: float) -> None:
        """Wait until something has happened since the last time, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._woken.set)


class _Coroutine:
    """An async step under way on its caller's loop.

    Parameters:
      begun: the step.
      steps: settles it.
      loop: the loop.
      wake: called when it is settled, or its claim is lost.
    """

    def __init__(
        self, begun: Begun, steps: DrivenSteps, loop: asyncio.AbstractEventLoop, wake: Callable[[], object]
    ) -> None:
        self.settled = False
        #: What is to interrupt the program, raised while the handler ran.
        self.interruption: KeyboardInterrupt | None = None
        self._begun = begun
        self._steps = steps
        self._loop = loop
        self._wake = wake
        self._unwanted = False
        self._task = loop.create_task(begun.pending.run(), context=begun.pending.context)
        self._task.add_done_callback(self._ended)
        begun.step.cancel_with(self)

    def cancel(self) -> None:
        """Cancel the handler, whose claim is gone; from any thread."""
        with suppress(RuntimeError):  # the loop is closed, and nothing runs on it
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._wake()

    def give_back(self) -> None:
        """Cancel the handler, which nobody awaits any more, and give its step back, unless it succeeds all the same."""
        self._unwanted = True
        self._task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Have settled what came of the handler, or its step given back."""
        failed = task.cancelled() or task.exception() is not None
        self.interruption = None if failed else interruption_in(task.result())
        back = (self._unwanted and failed and not self._begun.step.lost) or self.interruption is not None
        conclude = GivenBack if back else partial(self._begun.pending.conclude, task.result)
        self._steps.settle(self._begun, conclude, self._settled)

    def _settled(self) -> None:
        self.settled = True
        self._wake()


def _is_abandoned(step: RunningStep | None) -> bool:
    """Tell whether a handler has gone on for too long after its claim was gone."""
    return step is not None and step.lost and time.monotonic() - step.lost_at > LOST_SECONDS
