"""What questline asks of a broker: to carry doorbells, which are ids alone, and to say when it has lost some.

SQL is the truth. A broker may lose, repeat or reorder bells; it must not invent one that does harm, nor
keep one back because it believes that it delivered it.
"""

from __future__ import annotations

import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from dramatiq import Broker, Message

from questline_persistence.claims import Doorbell
from questline_persistence.errors import ConfigurationError, StoreUnavailable
from questline_scheduler.doorbells.bell_message import bell_in, message_for
from questline_scheduler.doorbells.doorbell_consumer import DoorbellConsumer
from questline_scheduler.doorbells.free_threads import FreeThreads
from questline_scheduler.doorbells.watch import Watch

#: Milliseconds that a consumer waits for a bell unless told otherwise.
IDLE_MILLIS = 1_000


class DoorbellBroker(Broker, ABC):
    """A Dramatiq broker that carries doorbells only: no other actors, no delays, no middleware of its own.

    All that the client, the loops and the worker ask of a broker stands here. Nothing connects before the first call
    that has to.
    """

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.queues: set[str] = set()
        self._holder = uuid.uuid4().hex
        #: Messages that were thrown away since they are no doorbells.
        self.dropped = 0
        #: The threads that the consumers of this process share.
        self.free_threads = FreeThreads()
        self._counting = threading.Lock()

    @property
    @abstractmethod
    def in_process(self) -> bool:
        """Whether the bells live in this process: then its own threads alone hear them, and they end with it."""

    @property
    def holder(self) -> str:
        """In whose name this process holds what it fetches: a name of its own, or its worker's id."""
        return self._holder

    def hold_as(self, worker_id: str) -> None:
        """Hold what is fetched from now on in a worker's name, so that it can be given back if that is lost."""
        self._holder = worker_id

    @abstractmethod
    def ring(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Put one message per bell into its queue, unless one for the same readiness is there already.

        No middleware hears of it.

        Returns:
          the bells that its queue could not take, or that nobody can hear here.

        Raises:
          StoreUnavailable: the broker cannot be reached; some of the bells may have been rung.
        """

    @abstractmethod
    def wanted(self, limit: int) -> int:
        """Return how many of `limit` bells are of use now: for more than that there is no thread in time."""

    def withdraw(self) -> list[Doorbell]:
        """Return the bells for which no thread was free in time, and that only SQL can take to another process."""
        return []

    def missing(self, bells: Sequence[Doorbell]) -> list[Doorbell]:  # noqa: ARG002  (for a broker that is a server)
        """Return those of the bells that the broker has lost: neither queued nor held by a worker.

        Raises:
          StoreUnavailable: the broker cannot be reached.
        """
        return []

    @abstractmethod
    def recollects(self) -> bool:
        """Tell whether the broker still has what was rung since the last `remember`.

        If not, the caller makes every ready ticket ring again, then calls `remember`.

        Raises:
          StoreUnavailable: the broker cannot be reached.
        """

    @abstractmethod
    def remember(self) -> None:
        """Mark the broker as told of everything, unless it lost its memory again since `recollects`.

        Raises:
          StoreUnavailable: the broker cannot be reached.
        """

    @abstractmethod
    def requeue_dead(self, worker_ids: Sequence[str]) -> int:
        """Give what dead workers had fetched back to the queues; return how many messages that were.

        Raises:
          StoreUnavailable: the broker cannot be reached.
        """

    @abstractmethod
    def probe(self) -> None:
        """Check that the broker takes bells now.

        Raises:
          StoreUnavailable: it cannot be reached, or is full, or read-only.
        """

    @abstractmethod
    def ping(self) -> None:
        """Check that the broker answers.

        Raises:
          StoreUnavailable: it does not.
        """

    def watch(self) -> Watch | None:
        """Return what hears that something moves anywhere; None where nobody outside this process could be heard."""
        return None

    @abstractmethod
    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = IDLE_MILLIS) -> DoorbellConsumer:
        """Return a consumer of a queue's messages.

        Parameters:
          queue_name: the queue.
          prefetch: most messages that it may have in hand.
          timeout: milliseconds that one look waits for a message.
        """

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue, and no delay queue beside it: so a worker starts no consumer for delays."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def get_declared_queues(self) -> set[str]:
        """Return the names of all queues declared so far."""
        return self.queues.copy()

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Ring by hand, as `run_step.send(...)` does; return the message as it was queued.

        Raises:
          ConfigurationError: a delay was asked for; a step that is to wait waits in SQL.
          PayloadError: the message is not for `run_step`, or not with its arguments.
          StoreUnavailable: the broker cannot be reached, or its queue is full.
        """
        if delay is not None:
            raise ConfigurationError("a wake-up cannot be delayed", hint="let the step wait: SQL keeps its time")
        bell = bell_in(message)
        queued = message_for(bell)
        self.emit_before("enqueue", queued, delay)
        if self.ring([bell]):
            raise StoreUnavailable(
                f"queue {bell.queue} is full, or nobody here listens to it", hint="send again when its steps have run"
            )
        self.emit_after("enqueue", queued, delay)
        return queued

    def count_dropped(self) -> None:
        """Count one message that was no doorbell."""
        with self._counting:
            self.dropped += 1
