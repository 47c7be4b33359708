"""One queue of doorbells in this process: bounded, the most urgent first, and each bell in it once."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from questline_persistence.claims import Doorbell
from questline_scheduler.doorbells.bell_message import bell_id

#: Most bells in one queue; the rest stay in SQL, and the relay brings them later.
CAPACITY = 1_000


@dataclass(frozen=True, slots=True, order=True)
class QueuedBell:
    """A bell that waits: the most urgent one comes first, and among those of one priority the one that was rung first.

    Parameters:
      urgency: the priority, negated.
      turn: the number of the ring.
      bell: the bell.
      message_id: the id of its message.
      since: since when it has been waiting, by the monotonic clock.
    """

    urgency: int
    turn: int
    bell: Doorbell = field(compare=False)
    message_id: str = field(compare=False)
    since: float = field(default_factory=time.monotonic, compare=False)


class MemoryQueue:
    """Bells that wait in memory; any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._takers = threading.Condition(self._lock)
        self._joiners = threading.Condition(self._lock)
        self._heap: list[QueuedBell] = []
        self._ids: set[str] = set()
        self._turns = itertools.count()
        self._unfinished = 0

    def put(self, bell: Doorbell) -> bool:
        """Queue a bell unless the same one is queued already; return False if the queue is full."""
        message_id = bell_id(bell)
        with self._lock:
            if message_id in self._ids:
                return True
            if len(self._heap) >= CAPACITY:
                return False
            self._push(QueuedBell(-bell.priority, next(self._turns), bell, message_id))
        return True

    def take(self, wanted: Callable[[], bool], timeout: float) -> QueuedBell | None:
        """Take the most urgent bell; it counts as unfinished until `finish` or `give_back`.

        Parameters:
          wanted: whether the caller may take one now; asked last, with the queue locked, and again after each `update`.
          timeout: the longest to wait for a bell, in seconds.

        Returns:
          the bell, or None if none was to be had in that time.
        """
        with self._lock:
            if not self._takers.wait_for(lambda: bool(self._heap) and wanted(), timeout):
                return None
            queued = heapq.heappop(self._heap)
            self._ids.discard(queued.message_id)
            return queued

    def reserve(self, wanted: Callable[[], bool]) -> bool:
        """Return whether no bell waits and `wanted` holds; it is asked last, with the queue locked."""
        with self._lock:
            return not self._heap and wanted()

    def update(self, change: Callable[[], None]) -> None:
        """Change what `wanted` of those who wait goes by, then have them look again.

        Parameters:
          change: makes the change, with the queue locked.
        """
        with self._lock:
            change()
            self._wake()

    def finish(self, change: Callable[[], None]) -> None:
        """Count a taken bell as done, and update as `update` does."""
        with self._lock:
            change()
            self._unfinished -= 1
            self._wake()

    def give_back(self, queued: QueuedBell, change: Callable[[], None]) -> None:
        """Put a taken bell back in its turn, however full the queue is, unless it was rung again meanwhile.

        It updates as `update` does.
        """
        with self._lock:
            change()
            self._unfinished -= 1
            if queued.message_id not in self._ids:
                self._push(queued)
            else:
                self._wake()

    def withdraw(self, seconds: float) -> list[Doorbell]:
        """Forget the bells that have been waiting for so long at least, and return them."""
        latest = time.monotonic() - seconds
        with self._lock:
            late = [queued for queued in self._heap if queued.since <= latest]
            if late:
                self._heap = [queued for queued in self._heap if queued.since > latest]
                heapq.heapify(self._heap)
                self._ids -= {queued.message_id for queued in late}
                self._unfinished -= len(late)
                self._wake()
        return [queued.bell for queued in late]

    def clear(self) -> None:
        """Forget the bells that wait."""
        with self._lock:
            self._unfinished -= len(self._heap)
            self._heap.clear()
            self._ids.clear()
            self._wake()

    def join(self, timeout: float | None) -> bool:
        """Wait until every bell is done; return False if that took longer than `timeout` seconds."""
        with self._lock:
            return self._joiners.wait_for(lambda: self._unfinished == 0, timeout)

    def __len__(self) -> int:
        """Return how many bells wait."""
        return len(self._heap)

    def _push(self, queued: QueuedBell) -> None:
        heapq.heappush(self._heap, queued)
        self._ids.add(queued.message_id)
        self._unfinished += 1
        self._wake()

    def _wake(self) -> None:
        """Wake those who may go on now: whoever is woken for nothing wants Python's lock all the same."""
        if self._heap:
            self._takers.notify_all()
        if not self._unfinished:
            self._joiners.notify_all()
