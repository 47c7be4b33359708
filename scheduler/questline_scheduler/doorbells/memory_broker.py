"""The broker inside one process: for a worker that runs alone, and for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from dramatiq import MessageProxy
from dramatiq.errors import QueueJoinTimeout

from questline_persistence.claims import Doorbell
from questline_scheduler.doorbells.bell_message import message_for
from questline_scheduler.doorbells.doorbell_broker import IDLE_MILLIS, DoorbellBroker
from questline_scheduler.doorbells.doorbell_consumer import DoorbellConsumer, HandedMessage
from questline_scheduler.doorbells.free_threads import PATIENCE_SECONDS, FreeThreads
from questline_scheduler.doorbells.memory_queue import MemoryQueue, QueuedBell


class MemoryBroker(DoorbellBroker):
    """Carries doorbells from a process to itself; a new process starts with an empty memory."""

    def __init__(self) -> None:
        super().__init__()
        self._memory: dict[str, MemoryQueue] = {}
        self._opening = threading.Lock()
        self._remembers = False

    @property
    def in_process(self) -> bool:
        """True: it is a process's own memory."""
        return True

    def ring(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Queue `bells`; return those whose queue is full, or heard by other processes alone."""
        return [bell for bell in bells if bell.queue not in self.queues or not self._queue(bell.queue).put(bell)]

    def wanted(self, limit: int) -> int:
        """Return how many of `limit` bells should be brought in from SQL: no more than will find a thread in time."""
        waiting = sum(len(queue) for queue in [*self._memory.values()])
        return max(0, min(limit, self.free_threads.spare(waiting)))

    def withdraw(self) -> list[Doorbell]:
        """Forget the bells for which no thread was free in time, and return them."""
        return [bell for queue in [*self._memory.values()] for bell in queue.withdraw(PATIENCE_SECONDS)]

    def recollects(self) -> bool:
        """Tell whether this process was told of the tickets that others left in SQL."""
        return self._remembers

    def remember(self) -> None:
        """Mark this process as told of everything."""
        self._remembers = True

    def requeue_dead(self, worker_ids: Sequence[str]) -> int:  # noqa: ARG002  what a dead process held died with it
        """Return 0: no other process ever fetched from this one's memory."""
        return 0

    def probe(self) -> None:
        """Do nothing: a full queue leaves bells to SQL by itself."""

    def ping(self) -> None:
        """Do nothing: the process answers itself."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = IDLE_MILLIS) -> MemoryConsumer:
        """Return a consumer that holds at most `prefetch` messages and waits `timeout` milliseconds for one."""
        consumer = MemoryConsumer(self._queue(queue_name), prefetch, timeout / 1000, self.free_threads)
        self.free_threads.share(queue_name, consumer, prefetch)
        return consumer

    def flush(self, queue_name: str) -> None:
        """Drop the messages that wait in a queue."""
        self._queue(queue_name).clear()

    def flush_all(self) -> None:
        """Drop the messages that wait in any queue."""
        for name in list(self._memory):
            self.flush(name)

    def join(self, queue_name: str, *, timeout: int | None = None) -> None:
        """Wait until every message of a queue is done, at most `timeout` milliseconds.

        Raises:
          QueueJoinTimeout: it took longer.
        """
        if not self._queue(queue_name).join(None if timeout is None else timeout / 1000):
            raise QueueJoinTimeout(queue_name)  # type: ignore[no-untyped-call]

    def _queue(self, name: str) -> MemoryQueue:
        with self._opening:
            return self._memory.setdefault(name, MemoryQueue())


class MemoryConsumer(DoorbellConsumer):
    """Takes doorbells from one queue in memory.

    Parameters:
      queue: where the bells wait.
      prefetch: most messages that may be taken and not done.
      timeout: seconds that one look waits for a bell.
      free_threads: the threads that it shares with other consumers.
    """

    def __init__(self, queue: MemoryQueue, prefetch: int, timeout: float, free_threads: FreeThreads) -> None:
        self._queue = queue
        self._prefetch = prefetch
        self._timeout = timeout
        self._free_threads = free_threads
        self._held = 0

    def __next__(self) -> MessageProxy | None:
        queued = self._queue.take(self._take_place, self._timeout)
        return None if queued is None else HeldMessage(queued)

    def ack(self, message: MessageProxy) -> None:
        """Count the message as done."""
        if isinstance(message, HandedMessage):
            message.free()
        else:
            self._queue.finish(self._free_place)
        self._free_threads.note_done()

    def nack(self, message: MessageProxy) -> None:
        """Count the message as done: there is no dead-letter queue, since SQL knows how the step stands."""
        self.ack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Put messages that nobody began back into their places."""
        for message in messages:
            if isinstance(message, HeldMessage):
                self._queue.give_back(message.queued, self._free_place)
            elif isinstance(message, HandedMessage):
                message.free()

    def retire(self) -> None:
        """Take nothing more."""
        self._prefetch = 0
        self._free_threads.retire()

    def reserve(self, *, own: bool) -> bool:
        """Take the caller's place, or any if no message waits for one."""
        if own:
            self._queue.update(self._take_any_place)
            return True
        return self._queue.reserve(self._take_place)

    def free(self) -> None:
        """Give a reserved place back."""
        self._queue.update(self._free_place)

    @property
    def in_hand(self) -> int:
        """How many messages were taken from here, or put into its places, and are not done."""
        return self._held

    def look_again(self) -> None:
        """Find out whether there is a thread now."""
        self._queue.update(lambda: None)

    def _take_place(self) -> bool:
        """Take a place for one more message if there is one; called last, with the queue locked."""
        if self._held >= self._prefetch or not self._may_take():
            return False
        self._held += 1
        return True

    def _may_take(self) -> bool:
        """Tell whether a thread will be free in time; a queue of which nothing is in hand gets its turn in any case."""
        return self._free_threads.spare() > 0 or (not self._held and self._free_threads.done_lately() > 0)

    def _take_any_place(self) -> None:
        self._held += 1

    def _free_place(self) -> None:
        self._held -= 1


class HeldMessage(MessageProxy):
    """A message with its place in the queue, should it have to go back."""

    def __init__(self, queued: QueuedBell) -> None:
        super().__init__(message_for(queued.bell))
        self.queued = queued
