"""Threads that are started as they are needed, end when they are not, and keep no process from ending."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

from questline_persistence.dialects import forks

P = ParamSpec("P")
T = TypeVar("T")

#: How long a thread waits for another call before it ends, in seconds.
IDLE_SECONDS = 10.0


class Threads(Executor):
    """Runs calls on daemon threads, at most `limit` at once; the others wait for their turn.

    The standard library's pool joins its threads when Python ends, so that a call which hangs would hang the program.

    Parameters:
      name: the threads' name.
      limit: most threads at a time, but for those that have stepped aside.
      aside: most threads that may step aside.
    """

    def __init__(self, name: str, limit: int, *, aside: int = 0) -> None:
        self._name = name
        self._limit = limit
        self._most_aside = aside
        self.closed = False
        self._begin()
        forks.join(self)

    def before_fork(self) -> None:
        """Do nothing: calls under way are the parent's, and go on there."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Begin anew: no thread outlives a fork."""
        self._begin()

    def _begin(self) -> None:
        """Begin without any thread, as at first and in a forked child."""
        self._changed = threading.Condition()
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._count = self._under_way = self._aside = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a thread call a function; return the future of what it returns.

        Raises:
          RuntimeError: the threads are closed, or the system gives no more.
        """
        future: Future[T] = Future()
        with self._changed:
            if self.closed:
                raise RuntimeError("these threads are closed")
            if len(self._calls) >= self._count - self._under_way:
                self._start()
            self._calls.append((future, partial(fn, *args, **kwargs)))
            self._changed.notify_all()
        return future

    @contextmanager
    def stepped_aside(self) -> Iterator[None]:
        """Let another thread take the place of the calling one, which may wait for long in this block.

        So no call that waits for others keeps those from being made. Once `aside` threads have stepped aside, the block
        is entered all the same, and nobody takes the place.
        """
        with self._changed:
            aside = self._aside < self._most_aside
            self._move_aside(aside)
        try:
            with self._changed:
                if self._calls:
                    self._start()
            yield
        finally:
            with self._changed:
                self._move_aside(-aside)

    def _move_aside(self, threads: int) -> None:
        """Count so many threads as stepped aside, or back where the number is negative."""
        self._aside += threads
        self._count -= threads
        self._under_way -= threads

    def _start(self) -> None:
        """Start a thread if there may be one more."""
        if self._count < self._limit:
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
            self._count += 1

    @property
    def busy(self) -> int:
        """How many calls are under way or wait for a thread."""
        return self._under_way + self._aside + len(self._calls)

    def close(self) -> None:
        """Take no more calls, and withdraw those that wait; those under way go on."""
        with self._changed:
            self.closed = True
            waiting, self._calls = [*self._calls], deque()
            self._changed.notify_all()
        for future, _ in waiting:
            future.cancel()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until no call is under way.

        Parameters:
          timeout: the longest to wait, in seconds; None waits for as long as it takes.

        Returns:
          whether that came in time.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self.busy, timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002  (the standard library's signature)
        """Close, and wait for what is under way if asked to; as the standard library's executors."""
        self.close()
        if wait:
            self.join()

    def _run(self) -> None:
        """Make one call after the other, for as long as there are any soon enough."""
        while (call := self._next()) is not None:
            _make(*call)
            del call  # or an idle thread would keep it
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        """Return the next call, or None where this thread is to end."""
        with self._changed:
            surplus = self._count > self._limit  # others have taken its place while it had stepped aside
            if not surplus:
                self._changed.wait_for(lambda: self._calls or self.closed, IDLE_SECONDS)
            if self._calls and not surplus:
                self._under_way += 1
                return self._calls.popleft()
            self._count -= 1
            return None


def _make(future: Future[Any], call: Callable[[], Any]) -> None:
    """Make a call that nobody has withdrawn."""
    if future.set_running_or_notify_cancel():
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001  (it is for whoever waits for the future)
            future.set_exception(error)
        else:
            future.set_result(result)
