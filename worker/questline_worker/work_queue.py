"""Dramatiq's work queue, in which a thread may leave what it will do next itself."""

from __future__ import annotations

import threading
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
        """Put an item where the calling thread will get it next, or any thread if it has one there already."""
        if getattr(self._kept, "item", None) is not None:
            self.put(item)
            return
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
