"""Calls that ask the store, for an event loop that must go on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from questline_persistence.errors import QuestConflict
from questline_persistence.store import Threads

T = TypeVar("T")

#: Threads that ask the store: none of them waits for a step, so that a pause is answered whatever runs.
MOST_CALLS = 4
#: How long closing waits for what is under way, in seconds.
CLOSE_SECONDS = 5.0


class StoreCalls:
    """Makes calls on threads of its own, a few at a time; the others wait for their turn.

    Parameters:
      refusal: makes the error for whoever calls when these are closed.
    """

    def __init__(self, refusal: Callable[[], QuestConflict]) -> None:
        self._refusal = refusal
        self._threads = Threads("questline-executor", MOST_CALLS)

    async def make(self, call: Callable[[], T]) -> T:
        """Return `call()`, called in a thread, in a copy of the caller's context.

        Raises:
          QuestConflict: these are closed, or were before a thread came to it.
        """
        try:
            future = self._threads.submit(copy_context().run, call)
        except RuntimeError:
            if not self._threads.closed:  # the system gives no thread
                raise
            raise self._refusal() from None
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if future.cancelled() and self._threads.closed and not (task and task.cancelling()):
                raise self._refusal() from None
            raise

    def close(self) -> None:
        """Refuse further calls, and wait a little for those under way."""
        self._threads.close()
        self._threads.join(CLOSE_SECONDS)
