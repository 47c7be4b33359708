"""How many threads of a process are free, or will be in a moment: its consumers share them."""

from __future__ import annotations

import threading
import time
from typing import Protocol

#: How long a message may wait for a thread before another process may have it, in seconds.
PATIENCE_SECONDS = 0.25


class Sharer(Protocol):
    """A consumer that shares the threads of its process with others."""

    @property
    def in_hand(self) -> int:
        """How many messages it has that are not done."""
        ...

    def look_again(self) -> None:
        """Find out whether there is a thread now."""


class FreeThreads:
    """Tells how much may be fetched so that it finds a thread before its patience is over.

    That is as much as there are threads, and as much as was done lately. While long steps keep all of them, nothing is
    fetched: it would wait here while another process idles.
    """

    def __init__(self) -> None:
        self._sharers: dict[str, Sharer] = {}
        self._threads = 0
        self._paused = False
        self._lock = threading.Lock()
        # What was done since a moment, and in the span before that one.
        self._since, self._done, self._before = time.monotonic(), 0, 0

    def share(self, queue_name: str, sharer: Sharer, threads: int) -> None:
        """Let the consumer of a queue have its share of the threads from now on.

        Parameters:
          queue_name: the queue; a consumer that is started anew takes the place of the one before.
          sharer: the consumer.
          threads: how many threads all consumers of the process share.
        """
        self._sharers[queue_name] = sharer
        self._threads = threads

    def retire(self) -> None:
        """Have nothing fetched any more: the threads are about to end."""
        self._threads = 0

    def pause(self, *, paused: bool) -> None:
        """Have nothing fetched for now, or go on fetching."""
        if self._paused != paused:
            self._paused = paused
            for sharer in [*self._sharers.values()]:
                sharer.look_again()

    def note_done(self) -> None:
        """Note that a message is done; whoever waits for a thread hears of the first one after a while."""
        with self._lock:
            first = not self._lately()
            self._done += 1
        if first:
            for sharer in [*self._sharers.values()]:
                sharer.look_again()

    def spare(self, waiting: int = 0) -> int:
        """Return how many messages more will soon find a thread, beside `waiting` ones."""
        if not self._threads or self._paused:
            return 0
        return self.idle() + self.done_lately() - waiting

    def idle(self) -> int:
        """Return how many threads have nothing to do, and may be given something."""
        if self._paused:
            return 0
        return self._threads - sum(sharer.in_hand for sharer in [*self._sharers.values()])

    def done_lately(self) -> int:
        """Return how many messages were done in the time that one may wait."""
        if self._paused:
            return 0
        with self._lock:
            return self._lately()

    def _lately(self) -> int:
        """As `done_lately`, with the lock held: what was done in this span, half the patience, and the one before."""
        now, span = time.monotonic(), PATIENCE_SECONDS / 2
        if now - self._since >= span:
            self._before = self._done if now - self._since < 2 * span else 0
            self._since, self._done = now, 0
        return self._before + self._done
