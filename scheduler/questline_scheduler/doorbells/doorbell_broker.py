"""What questline asks of a broker: to carry doorbells, which are ids alone, and to say when it has lost some.

SQL is the truth. A broker may lose, repeat or reorder bells; it must not invent one that does harm, nor
keep one back because it believes that it delivered it.
"""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from dramatiq import Broker, Consumer, Message, MessageProxy

from questline_persistence.claims import Doorbell
from questline_persistence.errors import ConfigurationError, PayloadError, StoreUnavailable
from questline_scheduler.doorbells.free_threads import FreeThreads

#: The one actor that every doorbell is for.
ACTOR_NAME = "run_step"
#: Longest wake-up that a broker delivers, in bytes; ours have about 60, the longest quest id makes 330.
MAX_MESSAGE_BYTES = 10_000
#: Milliseconds that a consumer waits for a bell unless told otherwise.
IDLE_MILLIS = 1_000

#: Only a quest id may hold a colon, so that the last three always part the others.
_BELL_ID = re.compile(r"([A-Za-z0-9_][!-~]{0,199}):(\d{1,9}):([!-9;-~]{1,100}):(\d{1,18})", re.ASCII)
_ARGUMENTS = frozenset({"quest_id", "epoch", "position"})


class DoorbellBroker(Broker, ABC):
    """A Dramatiq broker that carries doorbells only: no other actors, no delays, no middleware of its own.

    Nothing connects before the first call that has to.
    """

    #: Names this process to the broker; set it to the worker's id before anything consumes.
    broker_id: str

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.queues: set[str] = set()
        #: Messages that were thrown away since they are no doorbells.
        self.dropped = 0
        #: The threads that the consumers of this process share.
        self.free_threads = FreeThreads()
        self._counting = threading.Lock()

    @abstractmethod
    def ring(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Put one message per bell into its queue, unless one for the same readiness is there already.

        No middleware hears of it. Return the bells for which there was no room, or that nobody can hear here.

        Raises:
          StoreUnavailable: the broker cannot be reached; some of the bells may have been rung.
        """

    @abstractmethod
    def room(self) -> int | None:
        """Return how many more bells are useful now; None means any number."""

    def withdraw(self) -> list[Doorbell]:
        """Return the bells for which no thread was free in time, and that only SQL can take to another process."""
        return []

    def lacking(self, bells: Sequence[Doorbell]) -> list[Doorbell]:  # noqa: ARG002  (for a broker that is a server)
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
        bell = _bell_in(message)
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


class DoorbellConsumer(Consumer, ABC):
    """A consumer that has a message in hand for as many threads as there are, and knows when it has none for one."""

    @property
    @abstractmethod
    def in_hand(self) -> int:
        """How many messages were taken from here, or put into its places, and are not done."""

    @abstractmethod
    def look_again(self) -> None:
        """Find out whether there is a thread now: another consumer's message is done."""

    @abstractmethod
    def reserve(self, *, own: bool) -> bool:
        """Take a thread's place for a message that did not come from here; False if there is none.

        Parameters:
          own: whether to take one in any case, be it one too many for a moment, since the caller's thread is about to
            be free; else a thread must be, and no message wait for it.
        """

    @abstractmethod
    def free(self) -> None:
        """Give such a place back."""

    @abstractmethod
    def retire(self) -> None:
        """Fetch nothing more: the threads are about to end."""


class HandedMessage(MessageProxy):
    """A message that no consumer has fetched, in a reserved place.

    Parameters:
      message: the message.
      free: gives the place back.
    """

    def __init__(self, message: Message[Any], free: Callable[[], None]) -> None:
        super().__init__(message)
        self.free = free


def message_for(bell: Doorbell) -> Message[Any]:
    """Return the message that rings `bell`: equal for equal bells, and nothing in it but ids."""
    return Message(
        queue_name=bell.queue,
        actor_name=ACTOR_NAME,
        args=(),
        kwargs={"quest_id": bell.quest_id, "epoch": bell.epoch, "position": bell.position},
        options={},
        message_id=bell_id(bell),
        message_timestamp=int(bell.available_at * 1000),
    )


def bell_id(bell: Doorbell) -> str:
    """Return the id of the message that rings `bell`: it says everything."""
    return f"{bell.quest_id}:{bell.epoch}:{bell.position}:{bell.fence}"


def bell_named(message_id: str, queue: str) -> Doorbell | None:
    """Return the bell whose message has this id, or None if no bell's message can have it."""
    match = _BELL_ID.fullmatch(message_id)
    if match is None:
        return None
    quest_id, epoch, position, fence = match.groups()
    bell = Doorbell(quest_id, int(epoch), position, int(fence), queue)
    return bell if bell_id(bell) == message_id else None


def _bell_in(message: Message[Any]) -> Doorbell:
    """Return the bell that a message rings; one that names no readiness of its own gets fence 0."""
    kwargs = message.kwargs
    if message.actor_name != ACTOR_NAME or message.args or kwargs.keys() != _ARGUMENTS:
        raise PayloadError(
            f"{message.actor_name} wakes no step: this broker carries {ACTOR_NAME}(quest_id=, epoch=, position=) only",
            hint="give your own actors a broker of their own",
        )
    bell = Doorbell(queue=message.queue_name, **kwargs)
    named = bell_named(message.message_id, message.queue_name)
    if named is not None and message_for(named).kwargs == kwargs:
        return named
    if type(bell.epoch) is not int or bell_named(message_for(bell).message_id, bell.queue) != bell:
        raise PayloadError(f"{kwargs!r:.200} names no step", hint="quest_id and position are strings, epoch a number")
    return bell
