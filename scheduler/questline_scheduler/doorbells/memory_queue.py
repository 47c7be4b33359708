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

#: Most bells in one queue; the rest stay in SQL, and the relay brings them when there is room.
CAPACITY = 1_000


@dataclass(frozen=True, slots=True, order=True)
class QueuedBell:
    """A bell and its place: first by priority, then by its turn."""

    urgency: int
    turn: int
    bell: Doorbell = field(compare=False)
    message_id: str = field(compare=False)
    #: Since when it has been waiting, by the monotonic clock.
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
        """Queue a bell unless the same one is queued already; return False if there is no room."""
        message_id = bell_id(bell)
        with self._lock:
            if message_id in self._ids:
                return True
            if len(self._heap) >= CAPACITY:
                return False
            self._push(QueuedBell(-bell.priority, next(self._turns), bell, message_id))
        return True

    def take(self, wanted: Callable[[], bool], timeout: float) -> QueuedBell | None:
        """Wait at most `timeout` seconds until a bell is queued and `wanted` holds; return it, unfinished."""
        with self._lock:
            if not self._takers.wait_for(lambda: bool(self._heap) and wanted(), timeout):
                return None
            queued = heapq.heappop(self._heap)
            self._ids.discard(queued.message_id)
            return queued

    def reserve(self, wanted: Callable[[], bool]) -> bool:
        """Return whether no bell waits and `wanted` holds; it is called last."""
        with self._lock:
            return not self._heap and wanted()

    def note(self, note: Callable[[], None]) -> None:
        """Call `note` before anyone who waits looks again."""
        with self._lock:
            note()
            self._call()

    def finish(self, note: Callable[[], None]) -> None:
        """Count a taken bell as done; `note` runs before anyone who waits looks again."""
        with self._lock:
            note()
            self._unfinished -= 1
            self._call()

    def give_back(self, queued: QueuedBell, note: Callable[[], None]) -> None:
        """Put a taken bell back in its old place, whatever the room, unless it was rung again meanwhile."""
        with self._lock:
            note()
            self._unfinished -= 1
            if queued.message_id not in self._ids:
                self._push(queued)
            else:
                self._call()

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
                self._call()
        return [queued.bell for queued in late]

    def clear(self) -> None:
        """Forget the bells that wait."""
        with self._lock:
            self._unfinished -= len(self._heap)
            self._heap.clear()
            self._ids.clear()
            self._call()

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
        self._call()

    def _call(self) -> None:
        """Wake those who may go on now: whoever is woken for nothing wants Python's lock all the same."""
        if self._heap:
            self._takers.notify_all()
        if not self._unfinished:
            self._joiners.notify_all()
