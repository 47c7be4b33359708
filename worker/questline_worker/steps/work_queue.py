"""Dramatiq's work queue, in which a thread may leave what it will do next itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from heapq import heapify
from queue import PriorityQueue
from typing import Any


class WorkQueue(PriorityQueue[Any]):
    """What a worker's threads are to do; what a thread has kept for itself comes first.

    To wake another thread for it costs more than most of what a short step does, since both then want Python's lock.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept = threading.local()

    def keep(self, item: Any) -> None:
        """Put an item where the calling thread will get it next; at most one until then."""
        self._kept.item = item
        with self.mutex:
            self.unfinished_tasks += 1  # until `task_done`, as for any other

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return the item that the calling thread has kept, or else the first one; as `Queue.get`."""
        item = getattr(self._kept, "item", None)
        if item is None:
            return super().get(block, timeout)
        self._kept.item = None
        return item

    def withdraw(self, unwanted: Callable[[Any], bool]) -> list[Any]:
        """Take out the items that are `unwanted` and that no thread has got or kept, and return them."""
        with self.mutex:
            found = [item for item in self.queue if unwanted(item)]
            self.queue = [item for item in self.queue if not unwanted(item)]
            heapify(self.queue)
            self.unfinished_tasks -= len(found)
            if not self.unfinished_tasks:
                self.all_tasks_done.notify_all()
        return found
