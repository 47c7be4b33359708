"""Gives a quest's next step to a thread of this process, where that keeps nobody waiting.

The way through the broker, and two commits instead of one, are most of what a short step costs. So a thread whose step
is done asks for the next one together with its checkpoint, by the same guarded statement, if either

- nobody waits for a thread: the consumer listens in vain while one is free; or
- the quest has not had its turn yet: a few steps, and less than a moment spent in handlers, so that whoever waits
  for a thread hardly notices.

The step goes through Dramatiq's work queue like any other, ahead of what has not been claimed. The thread need not wait
for the commit: a place is reserved for the next step, which is put there as soon as it is claimed.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

from dramatiq.worker import ConsumerThread

from questline_persistence.claims import Claim, Doorbell
from questline_scheduler.doorbells import DoorbellConsumer, HandedMessage, message_for
from questline_worker.steps.next_runner import NextRunner, Situation
from questline_worker.steps.running import RunningStep
from questline_worker.steps.work_queue import WorkQueue

#: A quest's turn, where others wait for a thread: how many steps may follow each other at once, and for how many
#: seconds their handlers may have run by then.
TURN_STEPS, TURN_SECONDS = 10, 0.01
#: Places that may be reserved at a time, per thread: enough to hide a commit, few enough that threads soon get to them.
PLACES = 8

_Key = tuple[str, int, str]


class Handover:
    """Knows whether this process has a thread to spare, and holds the steps that are on their way to one.

    Parameters:
      may_claim: tells whether the process may claim at the moment.
    """

    def __init__(self, may_claim: Callable[[], bool] = lambda: True) -> None:
        self._may_claim = may_claim
        self._threads: dict[str, ConsumerThread] = {}
        self._steps: dict[_Key, RunningStep] = {}
        self._reserved: dict[str, Place] = {}
        #: Whether the threads are about to end, so that nothing is handed over or fetched any more.
        self.closed = False

    def open(self, thread: ConsumerThread) -> None:
        """Hand over from now on what belongs to the queue of `thread`, through whom its messages reach the threads."""
        self._threads[thread.queue_name] = thread

    def close(self) -> None:
        """Hand nothing over any more, and have nothing more fetched: the threads are about to end."""
        self.closed = True
        for thread in [*self._threads.values()]:
            if isinstance(thread.consumer, DoorbellConsumer):
                thread.consumer.retire()

    def situation(self, step: RunningStep, *, busy: bool, on_worker_thread: bool) -> Situation:
        """Return what there is to know about who could run the step after `step`, which has just been run.

        Parameters:
          step: what has just been run.
          busy: whether others wait for the calling thread.
          on_worker_thread: whether that is one of the threads that run steps from the queue.
        """
        thread = None if self.closed or not self._may_claim() else self._threads.get(step.claim.queue)
        if thread is None or not isinstance(thread.consumer, DoorbellConsumer):
            return Situation(
                open=False, on_worker_thread=on_worker_thread, in_turn=False, places_left=False, crowded=False
            )
        has_turn = step.streak < TURN_STEPS and step.spent < TURN_SECONDS
        return Situation(
            open=True,
            on_worker_thread=on_worker_thread,
            in_turn=busy and on_worker_thread and has_turn,
            places_left=len(self._reserved) < PLACES * thread.prefetch,
            # Not what the consumer says: it knows of its own queue alone, and those of another may wait all the same.
            crowded=len(thread.work_queue.queue) > len(self._steps),  # `qsize` takes the lock that all threads want
        )

    def reserve(self, step: RunningStep, runner: NextRunner, *, in_turn: bool = False) -> Place | None:
        """Reserve a place for what comes after `step`; return None if there is none.

        Parameters:
          step: what has just been run.
          runner: who is to run the next one.
          in_turn: whether it may be the calling thread's place, though others wait for one.
        """
        thread = self._threads.get(step.claim.queue)
        consumer = None if thread is None or runner is NextRunner.QUEUE else thread.consumer
        if thread is None or not isinstance(consumer, DoorbellConsumer):
            return None
        if runner is NextRunner.NEXT_THREAD:
            place = self._reserved[step.claim.claim_id] = Place(step, self._steps, thread, consumer, taken=False)
            return place
        if not consumer.reserve(own=in_turn):
            return None
        return Place(step, self._steps, thread, consumer, kept=runner is NextRunner.THIS_THREAD)

    def reserved(self, claim: Claim) -> Place | None:
        """Return the place that was reserved for what comes after the step of `claim`, once, if no thread waits."""
        return self._reserved.pop(claim.claim_id, None)

    def take(self, quest_id: str, epoch: int, position: str) -> RunningStep | None:
        """Return the step that was handed over under these ids, once."""
        return self._steps.pop((quest_id, epoch, position), None)

    def waiting(self, seconds: float) -> list[_Key]:
        """Return the ids of the steps that have been waiting for a thread for so long at least."""
        now = time.monotonic()
        return [
            key
            for key, step in [*self._steps.items()]
            if now - step.begun >= min(seconds, step.claim.timeout_seconds / 2)  # its time runs already
        ]

    def return_messages(self, seconds: float = 0.0) -> int:
        """Give back what came from the broker so long ago and was not begun; return how many messages that were."""
        count, latest = 0, time.monotonic_ns() - seconds * 1e9
        for name, thread in [*self._threads.items()]:
            queue: WorkQueue = thread.work_queue  # type: ignore[assignment]  # as below
            if thread.consumer is not None:
                messages = [item.message for item in queue.withdraw(partial(_is_fetched, name, latest))]
                if not messages:
                    continue
                thread.requeue_messages(messages)
                count += len(messages)
        return count


class Place:
    """A place for one step; it goes back at the end of the block unless a step was given to it.

    Parameters:
      after: the step that comes before.
      steps: where the step waits for its thread.
      thread: puts messages into Dramatiq's work queue.
      consumer: counts the place as taken.
      kept: whether the thread that gives the step to it is to run the step itself.
      taken: whether the consumer counts the place already; else it does once a step is given to it.
    """

    def __init__(
        self,
        after: RunningStep,
        steps: dict[_Key, RunningStep],
        thread: ConsumerThread,
        consumer: DoorbellConsumer,
        *,
        kept: bool = False,
        taken: bool = True,
    ) -> None:
        self.after = after
        #: Whether a thread waits for the checkpoint that claims the step.
        self.waited_for = taken
        self._steps = steps
        self._consumer = consumer
        queue: WorkQueue = thread.work_queue  # type: ignore[assignment]  # see `Checkpoints.before_worker_boot`
        self._put = queue.keep if kept else queue.put
        self._taken = taken

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._taken:
            self._consumer.free()

    def give(self, step: RunningStep) -> None:
        """Have a thread run `step`, which is claimed; its message gives the place back."""
        if not self._taken:
            self._consumer.reserve(own=True)  # a consumer that is closed counts no more
        self._taken = False
        claim = step.claim
        self._steps[claim.quest_id, claim.epoch, claim.position] = step
        self._put(_First(HandedMessage(message_for(_bell(claim)), self._consumer.free)))


def _is_fetched(queue_name: str, latest: float, item: Any) -> bool:
    """Tell whether an item of the work queue came from the broker, out of this queue, by then."""
    if isinstance(item, _First) or item.message.queue_name != queue_name:
        return False
    return bool(item._queued_time <= latest)  # noqa: SLF001  (Dramatiq orders its items by it)


class _First:
    """An item of Dramatiq's work queue that goes before those that came from the broker, in the order of their making.

    Parameters:
      message: what the queue's threads take out of it.
    """

    _numbers = itertools.count()

    def __init__(self, message: HandedMessage) -> None:
        self.message = message
        self._number = next(self._numbers)

    def __lt__(self, other: object) -> bool:
        return not isinstance(other, _First) or self._number < other._number

    def __gt__(self, other: object) -> bool:
        return isinstance(other, _First) and self._number > other._number


def _bell(claim: Claim) -> Doorbell:
    """Return the bell that nobody had to ring for a claim."""
    return Doorbell(claim.quest_id, claim.epoch, claim.position, claim.fence, claim.queue)
