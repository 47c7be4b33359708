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

from questline_persistence.claims import Claim, Dropped, GivenBack, Outcome, Succeeded
from questline_persistence.log import get_logger
from questline_persistence.store import Threads
from questline_worker.steps.event_loop import EventLoop
from questline_worker.steps.pending import Pending
from questline_worker.steps.running import RunningStep, RunningSteps

log = get_logger(__name__)

#: Threads that settle async steps; a plain success they only post, so that a few are enough. What else there may be
#: waits for the store, and so for others' locks: it has threads of its own, and holds up no plain success.
SETTLERS, WRITERS = 4, 8
#: Longest time that a thread waits until its step may go on, in seconds; another process may have fewer.
PATIENCE_SECONDS = 5.0
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

    A step counts from before its coroutine begins until what came of it is settled or posted.

    Parameters:
      loop: where coroutines run.
      running: the list of what runs here.
      limit: how many may be under way at once.
      shutdown_seconds: time that steps get to end once the process is told to stop.
    """

    def __init__(
        self, loop: EventLoop, running: RunningSteps, *, limit: int = 1_000, shutdown_seconds: float = 0.0
    ) -> None:
        self.limit = limit
        self._loop = loop
        self._running = running
        self._shutdown_seconds = shutdown_seconds
        self._under_way: set[_Coroutine] = set()
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._settlers = ThreadPoolExecutor(SETTLERS, "questline-settler")
        self._writers = ThreadPoolExecutor(WRITERS, "questline-writer")

    def start(self, step: RunningStep, pending: Pending, ended: Callable[[Outcome], object]) -> Outcome | None:
        """Let a step go on without this thread, and have `ended` told what became of it.

        Returns:
          None, or what became of a step that could not begin.
        """
        coroutine = self._count_in(step)
        if not isinstance(coroutine, _Coroutine):
            pending.close()
            return coroutine
        step.cancel_with(coroutine)
        try:
            coroutine.loop.call_soon_threadsafe(
                partial(self._begin, coroutine, pending, ended), context=pending.context
            )
        except BaseException:
            pending.close()
            self._count_out(coroutine)
            raise
        return None

    def close(self) -> None:
        """Have no thread wait any more, and begin to count the time that steps get to end."""
        with self._changed:
            self._deadline = time.monotonic() + self._shutdown_seconds
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until every step is settled, at most until the time that `close` gave them is over."""
        with self._changed:
            left = max(0.0, (self._deadline or 0.0) - time.monotonic())
            self._changed.wait_for(lambda: not self._under_way, left)

    def stuck(self, seconds: float) -> bool:
        """Return whether steps that go on so long after they were lost are half of as many as there may be.

        A loop that a handler blocks hears of no loss, and is as good as full; one that a handler ended is gone. So it
        is with a hundred blocking calls that steps have left behind.
        """
        now = time.monotonic()
        with self._changed:
            gone = any(coroutine.loop.is_closed() for coroutine in self._under_way)
            lost = [
                coroutine
                for coroutine in self._under_way
                if coroutine.lost_at is not None and now - coroutine.lost_at > seconds
            ]
        full = 2 * len(lost) >= self.limit or any(not coroutine.heard for coroutine in lost)
        return gone or full or self._loop.calls.stuck(seconds)

    def _count_in(self, step: RunningStep) -> _Coroutine | Outcome:
        """Count a step in once there are few enough others; return what becomes of one that waits in vain."""
        loop = self._loop.running()
        until = time.monotonic() + min(PATIENCE_SECONDS, step.claim.timeout_seconds / 2)
        with self._changed:
            while len(self._under_way) >= self.limit:
                left = until - time.monotonic()
                if step.lost:
                    return Dropped()
                if self._deadline is not None or left <= 0:
                    log.info("async_steps_full", lord=step.claim.lord_name, max_async=self.limit)
                    return GivenBack()
                self._changed.wait(min(left, LOOK_SECONDS))
            coroutine = _Coroutine(step.claim, self._running, loop)
            self._under_way.add(coroutine)
        return coroutine

    def _count_out(self, coroutine: _Coroutine) -> None:
        with self._changed:
            self._under_way.discard(coroutine)
            if not self._under_way and self._deadline is not None:
                self._changed.notify_all()
            else:
                self._changed.notify()

    def _begin(self, coroutine: _Coroutine, pending: Pending, ended: Callable[[Outcome], object]) -> None:
        """Begin a coroutine; this runs on the loop, in the step's context."""
        coroutine.threads = self._loop.calls.open()
        coroutine.task = coroutine.loop.create_task(pending.run())
        if coroutine.heard:
            coroutine.task.cancel()
        # The callback is told everything, rather than the coroutine: that would be a cycle, for the collector to find.
        coroutine.task.add_done_callback(partial(self._pass_on, coroutine, pending, ended))

    def _pass_on(
        self, coroutine: _Coroutine, pending: Pending, ended: Callable[[Outcome], object], task: asyncio.Task[Any]
    ) -> None:
        """Pass a coroutine that has ended on to a settler; this runs on the loop."""
        pending.close()
        if coroutine.threads is not None:
            self._loop.calls.end(coroutine.threads)
        self._settlers.submit(self._settle, coroutine, partial(pending.conclude, task.result), ended)

    def _settle(
        self, coroutine: _Coroutine, conclude: Callable[[], Outcome], ended: Callable[[Outcome], object]
    ) -> None:
        outcome = conclude()
        if isinstance(outcome, Succeeded) and not outcome.also:
            self._end(coroutine, outcome, ended)
            return
        try:
            self._writers.submit(self._end, coroutine, outcome, ended)
        except RuntimeError:  # the system gives no thread, or Python ends
            self._end(coroutine, outcome, ended)

    def _end(self, coroutine: _Coroutine, outcome: Outcome, ended: Callable[[Outcome], object]) -> None:
        try:
            ended(outcome)
        except Exception:
            log.exception("step_broken", quest_id=coroutine.claim.quest_id, position=coroutine.claim.position)
        finally:
            self._count_out(coroutine)


class _Coroutine:
    """One async step under way on the loop.

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
