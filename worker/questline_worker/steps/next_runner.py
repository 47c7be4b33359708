"""Decides who runs the step after one that has ended with a result."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple


class NextRunner(Enum):
    """Who runs the next step."""

    #: The thread that has run the one before; it waits for the checkpoint.
    THIS_THREAD = auto()
    #: Another thread of this process, which is free; the one that writes the checkpoint waits for it.
    FREE_THREAD = auto()
    #: A thread of this process, in its turn; nobody waits for the checkpoint.
    NEXT_THREAD = auto()
    #: Whoever the broker wakes.
    QUEUE = auto()


class Situation(NamedTuple):
    """What there is to know when a step has ended.

    Parameters:
      busy: whether others wait for the calling thread, which need not wait for the commit then.
      on_worker_thread: whether the calling thread is one of those that run steps from the queue.
      open: whether this process may claim, and its threads take steps of this queue.
      has_turn: whether the quest may go on before others: it has run few steps one after the other, for a short time.
      places_left: whether a place may be reserved that no thread has yet.
      crowded: whether messages that nobody has claimed wait for a thread.
    """

    busy: bool
    on_worker_thread: bool
    open: bool
    has_turn: bool
    places_left: bool
    crowded: bool

    @property
    def in_turn(self) -> bool:
        """Whether the calling thread may go on with the quest though others wait for it."""
        return self.busy and self.on_worker_thread and self.has_turn


def who_runs_next(situation: Situation) -> NextRunner:
    """Return who is to run the next step; where no place is to be had there after all, the queue does."""
    if not situation.open:
        return NextRunner.QUEUE
    in_turn = situation.in_turn
    if in_turn and situation.places_left:
        return NextRunner.NEXT_THREAD
    if situation.crowded and not in_turn:
        return NextRunner.QUEUE
    return NextRunner.THIS_THREAD if situation.on_worker_thread else NextRunner.FREE_THREAD
