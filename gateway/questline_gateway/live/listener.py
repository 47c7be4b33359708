"""Somebody who listens to events, and who must keep up with them."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

#: Most things that wait for one listener; one that lets more wait is cut off, and may come again.
MOST_WAITING = 256
TOO_SLOW = "you read too slowly: connect again"


class Ended(Exception):
    """There is nothing more to come; its text tells why."""


class Listener(Generic[T]):
    """One listener's queue. All but the making belongs to one event loop."""

    def __init__(self) -> None:
        #: Set once there is nothing more to come.
        self.over = asyncio.Event()
        self._waiting: deque[T] = deque()
        self._ready = asyncio.Event()
        self._why = ""

    def put(self, item: T) -> None:
        """Hand something on, or cut off a listener who has let too much wait.

        Parameters:
          item: what it is.
        """
        if len(self._waiting) >= MOST_WAITING:
            self.end(TOO_SLOW)
            return
        self._waiting.append(item)
        self._ready.set()

    def end(self, why: str) -> None:
        """Let there be nothing more to come, not even what waits.

        Parameters:
          why: what the listener is told; who was told already stays with that.
        """
        self._why = self._why or why
        self.over.set()
        self._ready.set()

    async def next(self, seconds: float) -> T | None:
        """Return what comes next, or None where nothing comes in time.

        Parameters:
          seconds: how long to wait.

        Raises:
          Ended: nothing more will come.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        if self.over.is_set():
            raise Ended(self._why)
        if not self._waiting:
            return None
        item = self._waiting.popleft()
        if not self._waiting:
            self._ready.clear()
        return item
