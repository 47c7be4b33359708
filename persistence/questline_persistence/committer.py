"""Group commit: calls of many threads, gathered into few transactions.

Whoever finds nobody committing commits everything that waits, its own item included; so an idle
process pays no hand-over to another thread, and a busy one commits as fast as the store allows.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from questline_persistence.errors import StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Most items in one transaction.
MAX_BATCH = 256


class _Entry(Generic[Item, Result]):
    """One caller's item, and where its result will stand."""

    __slots__ = ("done", "error", "item", "result", "turn")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.turn = threading.Event()
        self.done = False
        self.result: Result | None = None
        self.error: BaseException | None = None


class Committer(Generic[Item, Result]):
    """Hands items to `flush` in batches and gives each caller its own result.

    Parameters:
      flush: commits a list of items in one go and returns their results in order. If it raises for
        several items, each is tried alone, so that a bad one fails alone; but a store that cannot be
        reached fails them all.
    """

    def __init__(self, flush: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._flush = flush
        self._waiting: deque[_Entry[Item, Result]] = deque()
        self._leading = threading.Lock()

    def submit(self, item: Item) -> Result:
        """Commit `item`, together with what others have submitted meanwhile, and return its result."""
        entry: _Entry[Item, Result] = _Entry(item)
        self._waiting.append(entry)
        while not entry.done:
            if self._leading.acquire(blocking=False):
                try:
                    self._lead()
                finally:
                    self._leading.release()
                self._pass_on()
            else:
                entry.turn.wait()
                entry.turn.clear()
        if entry.error is not None:
            raise entry.error
        return entry.result  # type: ignore[return-value]  # set together with `done`

    def _pass_on(self) -> None:
        """Wake the first that still waits; without this, an item that came during a flush would be left."""
        with suppress(IndexError):
            self._waiting[0].turn.set()

    def _lead(self) -> None:
        """Commit one batch of what waits."""
        batch: list[_Entry[Item, Result]] = []
        while self._waiting and len(batch) < MAX_BATCH:
            batch.append(self._waiting.popleft())
        if not batch:
            return
        try:
            for entry, result in zip(batch, self._flush([entry.item for entry in batch]), strict=True):
                entry.result = result
        except BaseException as error:  # noqa: BLE001  (it is raised in the callers' threads)
            self._alone(batch, error)
        for entry in batch:
            entry.done = True
            entry.turn.set()

    def _alone(self, batch: Sequence[_Entry[Item, Result]], error: BaseException) -> None:
        """Commit each item by itself after the batch as a whole has failed."""
        if len(batch) == 1 or isinstance(error, StoreUnavailable):
            # Each would wait in vain for as long as the batch has: the store fails them all alike.
            for entry in batch:
                entry.error = error
            return
        for entry in batch:
            try:
                entry.result = self._flush([entry.item])[0]
            except BaseException as own_error:  # noqa: BLE001  (as above)
                entry.error = own_error
