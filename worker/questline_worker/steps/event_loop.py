"""The one event loop of a process, on a thread of its own, where async handlers run."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from questline_worker.steps.blocking_calls import BlockingCalls

#: How long `stop` waits for coroutines that were cancelled to end, in seconds.
STOP_SECONDS = 2.0


class EventLoop:
    """The loop, started when it is first asked for."""

    def __init__(self) -> None:
        #: The threads of the blocking calls that coroutines make.
        self.calls = BlockingCalls()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def running(self) -> asyncio.AbstractEventLoop:
        """Return the loop, started if need be: a handler's own task may have ended the last one, with SystemExit."""
        with self._starting:
            if self._loop is None or self._loop.is_closed():
                self._loop = asyncio.new_event_loop()
                self._loop.set_default_executor(self.calls)
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="questline-asyncio", daemon=True)
                self._thread.start()
            return self._loop

    def stop(self) -> None:
        """Cancel what still runs, and stop the loop; a coroutine that goes on all the same is abandoned."""
        with self._starting:
            if self._loop is not None and self._thread is not None:
                with suppress(RuntimeError):  # it has ended already
                    self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(STOP_SECONDS + 1.0)
                self._loop = None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run `loop` until it is stopped, end what still runs on it, and close it."""
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=STOP_SECONDS))
    finally:
        loop.close()
