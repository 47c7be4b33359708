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
      open: whether this process may claim, and its threads take steps of this queue.
      on_worker_thread: whether the calling thread is one of those that run steps from the queue.
      in_turn: whether the quest may go on though others wait for that thread: it has run few steps one after the other.
      places_left: whether a place may be reserved that no thread has yet.
      crowded: whether messages that nobody has claimed wait for a thread.
    """

    open: bool
    on_worker_thread: bool
    in_turn: bool
    places_left: bool
    crowded: bool


def who_runs_next(situation: Situation) -> NextRunner:
    """Return who is to run the next step; where no place is to be had there after all, the queue does."""
    if not situation.open:
        return NextRunner.QUEUE
    if situation.in_turn and situation.places_left:
        return NextRunner.NEXT_THREAD
    if situation.crowded and not situation.in_turn:
        return NextRunner.QUEUE
    return NextRunner.THIS_THREAD if situation.on_worker_thread else NextRunner.FREE_THREAD
