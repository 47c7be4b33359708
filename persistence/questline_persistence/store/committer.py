"""Group commit: what many threads hand in, gathered into few transactions.

Who wants an answer commits everything that waits, the own item included, unless somebody is at it already: so an
idle process pays no hand-over to another thread, and a busy one commits as fast as the store allows. Who needs no
answer goes on at once, and a thread of the committer's own sees to it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from questline_persistence.dialects import Overtime
from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.store.slow_lane import SlowLane

log = get_logger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Most items in one transaction.
MAX_BATCH = 256
#: Most items that may be waiting, or be on their way, without anybody waiting for them.
MAX_BEHIND = 128
#: Most items without anybody waiting for them that may be aside: two such batches, so that one that was taken aside
#: stops nobody.
MAX_ASIDE = 2 * MAX_BEHIND
#: Size from which an item is never committed with others, where there is a lane for that: they would wait for it.
LARGE = 2_000_000
#: Size, as the committer is told it, at which a batch takes no more items, and at which no more may be behind;
#: twice as much may be aside.
MAX_SIZE = 32_000_000


class _Turn:
    """Lets one thread wait until it is called, as a lock that another one opens: an Event takes six times as long."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> None:
        """Wait for a call, or for none if there has been one since the last."""
        self._lock.acquire()

    def set(self) -> None:
        """Call whoever waits, or the next who will."""
        with suppress(RuntimeError):  # called already
            self._lock.release()


class _Entry(Generic[Item, Result]):
    """One item, and where its result will stand; `turn` wakes whoever waits for that."""

    __slots__ = ("aside", "done", "error", "item", "result", "size", "turn")

    def __init__(self, item: Item, size: int, turn: _Turn | None) -> None:
        self.item = item
        self.size = size
        self.turn = turn
        self.done = False
        #: Whether it was taken aside, so that whoever waits for it has nothing to lead.
        self.aside = False
        self.result: Result | None = None
        self.error: BaseException | None = None

    def end(self) -> None:
        """Let whoever waits for it go on."""
        self.done = True
        if self.turn is not None:
            self.turn.set()


@dataclass(slots=True)
class _Load:
    """How many items there are that nobody waits for, how large together, and when no more may come."""

    most: int
    largest: int
    count: int = 0
    size: int = 0

    def takes_more(self) -> bool:
        """Tell whether another item may come."""
        return self.count < self.most and self.size < self.largest

    def add(self, entries: Sequence[_Entry[Any, Any]]) -> None:
        """Count entries that have come."""
        self.count += len(entries)
        self.size += sum(entry.size for entry in entries)

    def remove(self, entries: Sequence[_Entry[Any, Any]]) -> None:
        """Count entries that have gone."""
        self.count -= len(entries)
        self.size -= sum(entry.size for entry in entries)


class Committer(Generic[Item, Result]):
    """Hands items to `flush` in batches, and each result to whom it concerns.

    Parameters:
      flush: commits a list of items in one go and returns their results in order. If it raises for
        several items, each is tried again, so that a bad one fails alone; but a store that cannot be
        reached fails them all.
      settled: told, after each transaction, of those posted items that it held, each with its result or the error
        that it met.
      size: how large an item is; a batch of large ones is a short one.
      again: commits one item, which an earlier try may have committed, in as little time as a batch gets. An item that
        is large, or went with one that took too long, is committed so while others go on.
      slowly: commits one item that took too long by itself; nothing waits for that but others that did.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Item]], Sequence[Result]],
        settled: Callable[[Sequence[tuple[Item, Result | BaseException]]], object] = lambda _: None,
        size: Callable[[Item], int] = lambda _: 0,
        again: Callable[[Item], Result] | None = None,
        slowly: Callable[[Item], Result] | None = None,
    ) -> None:
        self._flush = flush
        self._again = again or (lambda item: flush([item])[0])
        self._slowly = slowly or self._again
        self._slow_lane: SlowLane[_Entry[Item, Result]] = SlowLane(self._commit_slowly, self._give_up)
        self._lane = SlowLane(self._commit_again, self._give_up, beyond=self._slow_lane)
        self._large_lane = SlowLane(self._commit_again, self._give_up, beyond=self._slow_lane)
        self._has_lane = slowly is not None
        self._settled = settled
        self._size = size
        self._waiting: deque[_Entry[Item, Result]] = deque()
        self._leading = threading.Lock()
        self._changed = threading.Condition()
        self._behind = _Load(MAX_BEHIND, MAX_SIZE)
        self._aside = _Load(MAX_ASIDE, 2 * MAX_SIZE)
        self._posted = _Turn()
        self._thread: threading.Thread | None = None

    def submit(self, item: Item) -> Result:
        """Commit `item`, together with what others have handed in meanwhile, and return its result."""
        turn = _Turn()
        entry: _Entry[Item, Result] = _Entry(item, self._size(item), turn)
        self._waiting.append(entry)
        while not entry.done:
            if not entry.aside and self._leading.acquire(blocking=False):
                self._lead()
            else:
                turn.wait()
        if entry.error is not None:
            raise entry.error
        return entry.result  # type: ignore[return-value]  # set together with `done`

    def post(self, item: Item) -> None:
        """See to it that `item` is committed soon, and return; wait only while too many are behind."""
        entry: _Entry[Item, Result] = _Entry(item, self._size(item), None)
        with self._changed:
            self._changed.wait_for(lambda: self._behind.takes_more() and self._aside.takes_more())
            if self._thread is None:
                thread = threading.Thread(target=self._follow, name="committer", daemon=True)
                thread.start()  # this may fail; then nothing is behind
                self._thread = thread
            self._behind.add([entry])
        self._waiting.append(entry)
        if not self._leading.locked():  # else the one who leads passes it on
            self._posted.set()

    def drain(self) -> None:
        """Wait until every posted item is settled."""
        with self._changed:
            self._changed.wait_for(lambda: self._behind.count + self._aside.count == 0)

    def _follow(self) -> None:
        """Commit what is posted, for as long as the process lives."""
        while True:
            self._posted.wait()
            try:
                if self._waiting and self._leading.acquire(blocking=False):
                    self._lead()
            except BaseException:
                log.exception("committer_stumbled")  # the thread must live: without it, whoever posts waits for ever

    def _lead(self) -> None:
        """Commit one batch of what waits, then let go of the lead."""
        batch: list[_Entry[Item, Result]] = []
        size = 0
        try:
            while self._waiting and len(batch) < MAX_BATCH and size < MAX_SIZE:
                entry = self._waiting.popleft()
                if self._has_lane and entry.size >= LARGE:
                    self._take_aside([entry], self._large_lane)
                    continue
                batch.append(entry)
                size += entry.size
            if batch:
                self._commit(batch)
        finally:
            self._leading.release()
            self._pass_on()
        self._tell([entry for entry in batch if entry.turn is None and not entry.aside], self._behind)

    def _pass_on(self) -> None:
        """Wake whoever is to lead next; without this, an item that came during a commit would be left."""
        try:
            turn = self._waiting[0].turn
        except IndexError:
            return
        (turn or self._posted).set()

    def _commit(self, batch: Sequence[_Entry[Item, Result]]) -> None:
        try:
            for entry, result in zip(batch, self._flush([entry.item for entry in batch]), strict=True):
                entry.result = result
        except Overtime as error:
            self._overran(batch, error)
            return
        except BaseException as error:  # noqa: BLE001  (it is raised in the callers' threads)
            self._alone(batch, error)
        for entry in batch:
            if not entry.aside:
                entry.end()

    def _alone(self, batch: Sequence[_Entry[Item, Result]], error: BaseException) -> None:
        """Commit each item by itself after the batch as a whole has failed."""
        if len(batch) == 1 or isinstance(error, StoreUnavailable):
            # Each would wait in vain for as long as the batch has: the store fails them all alike.
            for entry in batch:
                entry.error = error
            return
        for entry in batch:
            try:
                entry.result = self._again(entry.item)
            except Overtime as late:
                self._overran([entry], late)
            except BaseException as own_error:  # noqa: BLE001  (as above)
                entry.error = own_error

    def _overran(self, entries: Sequence[_Entry[Item, Result]], error: Overtime) -> None:
        """Take entries aside that took too long together."""
        log.warning("commits_taken_aside", items=len(entries), reason=str(error))
        # One that took too long by itself need not do so again. Of several it is mostly the largest that did.
        lane = self._slow_lane if len(entries) == 1 else self._lane
        self._take_aside(sorted(entries, key=lambda entry: entry.size), lane)

    def _take_aside(self, entries: Sequence[_Entry[Item, Result]], lane: SlowLane[_Entry[Item, Result]]) -> None:
        """Have entries committed one by one, while others go on."""
        posted = [entry for entry in entries if entry.turn is None]
        with self._changed:
            self._behind.remove(posted)
            self._aside.add(posted)
            self._changed.notify_all()
        for entry in entries:
            entry.aside = True
        lane.put(entries)

    def _commit_again(self, entry: _Entry[Item, Result]) -> None:
        """Commit one item that is large, or went with one that took too long."""
        entry.result = self._again(entry.item)
        self._end_aside(entry)

    def _commit_slowly(self, entry: _Entry[Item, Result]) -> None:
        """Commit one item that took too long by itself."""
        entry.result = self._slowly(entry.item)
        self._end_aside(entry)

    def _give_up(self, entry: _Entry[Item, Result], error: BaseException) -> None:
        """Let one item go that was taken aside, and met an error there."""
        entry.error = error
        self._end_aside(entry)

    def _end_aside(self, entry: _Entry[Item, Result]) -> None:
        entry.end()
        if entry.turn is None:
            self._tell([entry], self._aside)

    def _tell(self, posted: Sequence[_Entry[Item, Result]], load: _Load) -> None:
        """Let go of posted items that are settled, and that `load` counts."""
        if not posted:
            return
        try:
            self._settled([(entry.item, entry.error or entry.result) for entry in posted])  # type: ignore[misc]
        except Exception:
            log.exception("settling_failed", items=len(posted))  # the thread must live
        finally:
            with self._changed:
                load.remove(posted)
                self._changed.notify_all()
