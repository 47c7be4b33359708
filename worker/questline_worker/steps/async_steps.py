"""The async steps of a process: they wait on its event loop, and none of them holds a thread.

The loop only runs coroutines. What may block, such as committing what came of one, happens on other threads.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from questline_persistence.claims import Claim, Dropped, GivenBack, Outcome
from questline_persistence.log import get_logger
from questline_scheduler.threads import Threads
from questline_worker.steps.event_loop import EventLoop
from questline_worker.steps.pending import Pending
from questline_worker.steps.running import RunningStep, RunningSteps

log = get_logger(__name__)

#: Threads that settle async steps; a success they only post, so that a few are enough.
SETTLERS = 4
#: Longest time that a thread waits for a slot, in seconds; another process may have one.
SLOT_SECONDS = 5.0
#: Seconds between two looks of such a thread for whether it should go on waiting.
LOOK_SECONDS = 0.2


class StepStarter(Protocol):
    """Lets async steps go on without the threads that began them."""

    def start(self, step: RunningStep, pending: Pending, ended: Callable[[Outcome], object]) -> Outcome | None:
        """Let a step go on and have `ended` told what became of it; return None, or why it could not begin."""

    def close(self) -> None:
        """Begin to count the time that steps have to end."""

    def join(self) -> None:
        """Wait until every step has ended and is settled, or that time is over."""


class AsyncSteps:
    """Starts async steps, at most `limit` at once, and has each settled when it ends.

    A step has its slot from before its coroutine begins until what came of it is settled or posted.

    Parameters:
      loop: where coroutines run.
      running: the list of what runs here.
      limit: the number of slots.
      shutdown_seconds: time that steps get to end once the process is told to stop.
    """

    def __init__(
        self, loop: EventLoop, running: RunningSteps, *, limit: int = 1_000, shutdown_seconds: float = 0.0
    ) -> None:
        self.limit = limit
        self._loop = loop
        self._running = running
        self._shutdown_seconds = shutdown_seconds
        self._slots: set[_Slot] = set()
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._settlers = ThreadPoolExecutor(SETTLERS, "questline-settler")

    def start(self, step: RunningStep, pending: Pending, ended: Callable[[Outcome], object]) -> Outcome | None:
        """Let a step go on without this thread, and have `ended` told what became of it.

        Returns:
          None, or what became of a step that could not begin.
        """
        slot = self._slot_for(step)
        if not isinstance(slot, _Slot):
            pending.close()
            return slot
        step.cancel_with(slot)
        try:
            slot.loop.call_soon_threadsafe(partial(self._begin, slot, pending, ended), context=pending.context)
        except BaseException:
            pending.close()
            self._free(slot)
            raise
        return None

    def close(self) -> None:
        """Have no thread wait for a slot any more, and begin to count the time that steps get to end."""
        with self._changed:
            self._deadline = time.monotonic() + self._shutdown_seconds
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until every step is settled, at most until the time that `close` gave them is over."""
        with self._changed:
            left = max(0.0, (self._deadline or 0.0) - time.monotonic())
            self._changed.wait_for(lambda: not self._slots, left)

    def stuck(self, seconds: float) -> bool:
        """Return whether half of the slots are kept by steps that go on so long after they were lost.

        A loop that a handler blocks hears of no loss, and is as good as full; one that a handler ended is gone. So it
        is with a hundred blocking calls that steps have left behind.
        """
        now = time.monotonic()
        with self._changed:
            gone = any(slot.loop.is_closed() for slot in self._slots)
            lost = [slot for slot in self._slots if slot.lost_at is not None and now - slot.lost_at > seconds]
        full = 2 * len(lost) >= self.limit or any(not slot.heard for slot in lost)
        return gone or full or self._loop.calls.stuck(seconds)

    def _slot_for(self, step: RunningStep) -> _Slot | Outcome:
        """Wait for a slot and take it; return what becomes of a step that gets none."""
        loop = self._loop.running()
        until = time.monotonic() + min(SLOT_SECONDS, step.claim.timeout_seconds / 2)
        with self._changed:
            while len(self._slots) >= self.limit:
                left = until - time.monotonic()
                if step.lost:
                    return Dropped()
                if self._deadline is not None or left <= 0:
                    log.info("async_steps_full", lord=step.claim.lord_name, max_async=self.limit)
                    return GivenBack()
                self._changed.wait(min(left, LOOK_SECONDS))
            slot = _Slot(step.claim, self._running, loop)
            self._slots.add(slot)
        return slot

    def _free(self, slot: _Slot) -> None:
        with self._changed:
            self._slots.discard(slot)
            if not self._slots and self._deadline is not None:
                self._changed.notify_all()
            else:
                self._changed.notify()

    def _begin(self, slot: _Slot, pending: Pending, ended: Callable[[Outcome], object]) -> None:
        """Begin a coroutine; this runs on the loop, in the step's context."""
        slot.threads = self._loop.calls.open()
        slot.task = slot.loop.create_task(pending.run())
        if slot.heard:
            slot.task.cancel()
        # The callback is told everything, rather than the slot: that would be a cycle, for the collector to find.
        slot.task.add_done_callback(partial(self._pass_on, slot, pending, ended))

    def _pass_on(
        self, slot: _Slot, pending: Pending, ended: Callable[[Outcome], object], task: asyncio.Task[Any]
    ) -> None:
        """Pass a coroutine that has ended on to a settler; this runs on the loop."""
        pending.close()
        if slot.threads is not None:
            self._loop.calls.end(slot.threads)
        self._settlers.submit(self._settle, slot, partial(pending.conclude, task.result), ended)

    def _settle(self, slot: _Slot, conclude: Callable[[], Outcome], ended: Callable[[Outcome], object]) -> None:
        try:
            ended(conclude())
        except Exception:
            log.exception("step_broken", quest_id=slot.claim.quest_id, position=slot.claim.position)
        finally:
            self._free(slot)


class _Slot:
    """The place of one async step on the loop.

    Parameters:
      claim: the hold on the step.
      running: the list of what runs here.
      loop: where the coroutine runs.
    """

    __slots__ = ("_running", "claim", "heard", "loop", "lost_at", "task", "threads")

    def __init__(self, claim: Claim, running: RunningSteps, loop: asyncio.AbstractEventLoop) -> None:
        self.claim = claim
        self.loop = loop
        self.task: asyncio.Task[Any] | None = None
        #: Where its blocking calls run.
        self.threads: Threads | None = None
        #: When the claim was lost, by the monotonic clock.
        self.lost_at: float | None = None
        #: Whether the loop knows that.
        self.heard = False
        self._running = running

    def cancel(self) -> None:
        """Cancel the coroutine, whose claim is gone. It may take its time: it is no running step any more."""
        self.lost_at = time.monotonic()
        self._running.end(self.claim)
        with suppress(RuntimeError):  # the loop is closed, and nothing runs on it
            self.loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        self.heard = True
        if self.task is not None:
            self.task.cancel()
