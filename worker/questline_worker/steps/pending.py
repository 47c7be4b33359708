"""A step whose handler returned a coroutine that has not begun: what to await, and what to make of its end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any

from questline_persistence.claims import Outcome
from questline_worker.forks import end_if_forked
from questline_worker.lords import mark_own_task


class Pending:
    """An async handler about to run.

    Parameters:
      coroutine: what the handler returned.
      seconds: how long it may take.
      conclude: makes of the coroutine's end what became of the step; it is given a function that returns the
        result or raises the error, and may block.
      context: the context variables that the coroutine sees; by default those that are there now.
    """

    __slots__ = ("_conclude", "_coroutine", "_seconds", "context")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        seconds: float,
        conclude: Callable[[Callable[[], Any]], Outcome],
        context: Context | None = None,
    ) -> None:
        self.context = copy_context() if context is None else context
        self._coroutine = coroutine
        self._seconds = seconds
        self._conclude = conclude

    async def run(self) -> Any:
        """Await the coroutine for at most its time, then cancel it; a wish to end the process is returned."""
        limit = asyncio.timeout(self._seconds)
        pid = os.getpid()
        mark_own_task()
        try:
            async with limit:
                return await self._coroutine
        except TimeoutError:
            if limit.expired():
                raise TimeoutError(f"timed out after {self._seconds:g} s") from None
            raise
        except (SystemExit, KeyboardInterrupt) as error:
            end_if_forked(pid, error)
            return _Exit(error)
        finally:
            end_if_forked(pid, sys.exc_info()[1])

    def conclude(self, result: Callable[[], Any]) -> Outcome:
        """Return what became of the step; `result` returns what `run` returned, or raises what it raised."""
        return self._conclude(lambda: _unpacked(result()))

    def close(self) -> None:
        """Let go of the coroutine: one that never began, since its claim was lost, is not warned of."""
        self._coroutine.close()


@dataclass(frozen=True, slots=True)
class _Exit:
    """What a coroutine raised that asyncio would let end the event loop, and with it all other steps on it."""

    error: SystemExit | KeyboardInterrupt


def _unpacked(output: Any) -> Any:
    """Return a coroutine's output, or raise what was kept from the event loop."""
    if isinstance(output, _Exit):
        raise output.error
    return output


def interruption_in(output: Any) -> KeyboardInterrupt | None:
    """Return what is to interrupt the program, where that is what a coroutine's `run` has returned."""
    return output.error if isinstance(output, _Exit) and isinstance(output.error, KeyboardInterrupt) else None
