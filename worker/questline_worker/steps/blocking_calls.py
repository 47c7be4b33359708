"""Where the blocking calls of async handlers run: `asyncio.to_thread`, `run_in_executor(None, …)`, name look-ups.

The event loop's usual pool has a few threads for all: as many calls that hang, and no step gets one any more. Here each
step has threads of its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from questline_persistence.store import Threads

P = ParamSpec("P")
T = TypeVar("T")

#: Most calls that one step has under way; as many as asyncio lets a whole program have.
CALLS_PER_STEP = min(32, (os.cpu_count() or 1) + 4)
#: So many calls that go on though their step has ended are too many threads lost.
MAX_LEFT = 100

_of_step: ContextVar[Threads] = ContextVar("questline_threads")


class BlockingCalls(ThreadPoolExecutor):
    """The default executor of the event loop, which takes no other kind; each call goes on to its step's threads."""

    def __init__(self) -> None:
        super().__init__(1)  # never started
        self._nobodys = _threads()
        self._left: list[tuple[float, Threads]] = []
        self._noting = threading.Lock()

    def open(self) -> Threads:
        """Return threads for the step whose context this is."""
        threads = _threads()
        _of_step.set(threads)
        return threads

    def end(self, threads: Threads) -> None:
        """Let a step's threads end; those whose calls go on are remembered."""
        threads.close()
        if threads.busy:
            with self._noting:
                self._left.append((time.monotonic(), threads))

    def stuck(self, seconds: float) -> bool:
        """Return whether too many calls go on so long after their step has ended."""
        now = time.monotonic()
        with self._noting:
            self._left = [(since, threads) for since, threads in self._left if threads.busy]
            return sum(threads.busy for since, threads in self._left if now - since > seconds) >= MAX_LEFT

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a thread of the present step call a function; what a step leaves behind shares a few with its like."""
        own = _of_step.get(self._nobodys)
        return (self._nobodys if own.closed else own).submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: idle threads end by themselves, and the next loop may take this executor on."""


def _threads() -> Threads:
    return Threads("questline-blocking", CALLS_PER_STEP)
