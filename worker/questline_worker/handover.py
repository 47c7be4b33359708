"""Gives a quest's next step to a free thread of this process where nobody else waits for one.

On a pool with nothing else to do, the way through the broker is most of what a short step costs. So a process whose
consumer listens in vain asks for the next step together with the result of the last: both in one go, each by its own
guarded statement. The step then goes through Dramatiq's work queue like any other, its claim waiting for it here.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from dramatiq.worker import ConsumerThread

from questline_persistence.claims import Claim, Doorbell
from questline_scheduler.doorbell_broker import DoorbellConsumer, HandedMessage, message_for
from questline_worker.running import RunningStep

_Key = tuple[str, int, str]


class Handover:
    """Knows whether this process has a thread to spare, and holds the steps that are on their way to one."""

    def __init__(self) -> None:
        self._threads: dict[str, ConsumerThread] = {}
        self._steps: dict[_Key, RunningStep] = {}

    def open(self, thread: ConsumerThread) -> None:
        """Hand over from now on what belongs to the queue of `thread`, through whom its messages reach the threads."""
        self._threads[thread.queue_name] = thread

    def close(self) -> None:
        """Hand nothing over any more: the threads are about to end."""
        self._threads.clear()

    def seat(self, queue: str) -> Seat | None:
        """Return a place for one more step of a queue, if a thread is free and nothing waits for it."""
        thread = self._threads.get(queue)
        consumer = thread.consumer if thread is not None else None
        if thread is None or not isinstance(consumer, DoorbellConsumer) or not consumer.reserve():
            return None
        return Seat(self._steps, thread, consumer)

    def take(self, quest_id: str, epoch: int, position: str) -> RunningStep | None:
        """Return the step that was handed over under these ids, once."""
        return self._steps.pop((quest_id, epoch, position), None)


class Seat:
    """A place for one step; it goes back at the end of the block unless a step was given to it.

    Parameters:
      steps: where the step waits for its thread.
      thread: puts messages into Dramatiq's work queue.
      consumer: counts the place as taken.
    """

    def __init__(self, steps: dict[_Key, RunningStep], thread: ConsumerThread, consumer: DoorbellConsumer) -> None:
        self._steps = steps
        self._thread = thread
        self._consumer = consumer
        self._given = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if not self._given:
            self._consumer.free()

    def give(self, step: RunningStep) -> None:
        """Have a thread run `step`, which is claimed."""
        self._given = True
        claim = step.claim
        self._steps[claim.quest_id, claim.epoch, claim.position] = step
        self._thread.handle_message(HandedMessage(message_for(_bell(claim)), self._consumer.free))


def _bell(claim: Claim) -> Doorbell:
    """Return the bell that nobody had to ring for a claim."""
    return Doorbell(claim.quest_id, claim.epoch, claim.position, claim.fence, claim.queue)
