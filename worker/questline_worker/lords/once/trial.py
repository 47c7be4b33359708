"""How one call within a step is made: again after an error if it is to be, and for a time each."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

from questline_persistence.errors import PayloadError, summary_of
from questline_persistence.log import get_logger
from questline_scheduler.pauses import growing_pauses
from questline_worker.forks import end_if_forked
from questline_worker.lords.outcomes import Permanent, Retry, Snooze, StepCancelled

log = get_logger(__name__)

#: The first wait before a call is made again, and the longest, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
#: Seconds between two looks, in such a wait, for whether the attempt still counts.
LOOK_SECONDS = 0.5
#: What says how the step goes on, so that the call is not made again.
_DECIDED = (Permanent, Retry, Snooze, PayloadError)


class Trial:
    """A call to be made.

    Parameters:
      name: its name.
      function: makes it.
      retries: how often it is made again after an error.
      timeout: how many seconds it may take each time; None: as long as the step.
      still_held: tells whether the attempt still counts.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[], Any],
        *,
        retries: int,
        timeout: float | None,
        still_held: Callable[[], bool],
    ) -> None:
        self._name = name
        self._function = function
        self._retries = retries
        self._timeout = timeout
        self._still_held = still_held

    def run(self) -> Any:
        """Return what the function returns."""
        for pause in self._pauses():
            self._go_on()
            try:
                return self._called()
            except _DECIDED:
                raise
            except Exception as error:
                if pause is None:
                    raise
                self._tell(error)
            self._wait(pause)
        raise AssertionError("the last try has no pause behind it")

    async def run_async(self) -> Any:
        """Return what the coroutine function returns."""
        for pause in self._pauses():
            self._go_on()
            try:
                return await self._awaited()
            except _DECIDED:
                raise
            except Exception as error:
                if pause is None:
                    raise
                self._tell(error)
            await asyncio.sleep(pause)
        raise AssertionError("the last try has no pause behind it")

    async def _awaited(self) -> Any:
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                return await self._function()
        except TimeoutError:
            if limit.expired():
                raise self._late() from None
            raise

    def _late(self) -> TimeoutError:
        return TimeoutError(f"once({self._name!r}) took longer than {self._timeout:g} s")

    def _pauses(self) -> Iterator[float | None]:
        """Yield the wait after each try; None after the last."""
        yield from itertools.islice(growing_pauses(FIRST_PAUSE, LONGEST_PAUSE), self._retries)
        yield None

    def _go_on(self) -> None:
        if not self._still_held():
            raise StepCancelled("this attempt no longer counts")

    def _tell(self, error: Exception) -> None:
        log.info("once_again", call=self._name, error=summary_of(error))

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
            self._go_on()

    def _called(self) -> Any:
        pid = os.getpid()
        try:
            result = self._function() if self._timeout is None else self._in_time(self._timeout)
        except BaseException as error:
            end_if_forked(pid, error)
            raise
        end_if_forked(pid)
        if inspect.iscoroutine(result):
            result.close()
            message = f"once({self._name!r}) got a plain function that returns a coroutine"
            raise PayloadError(
                message, hint=f"await ctx.once({self._name!r}, fetch, url), with the async function itself"
            )
        return result

    def _in_time(self, seconds: float) -> Any:
        """Call the function on a thread of its own, and wait so long; if that is too short, the thread is left to end.

        Raises:
          TimeoutError: it took longer.
        """
        future: Future[Any] = Future()
        run = copy_context().run

        def call() -> None:
            try:
                future.set_result(run(self._function))
            except BaseException as error:  # noqa: BLE001  (it is raised where the call is waited for)
                future.set_exception(error)

        threading.Thread(target=call, name="questline-once-call", daemon=True).start()
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():
                raise
            raise self._late() from None
