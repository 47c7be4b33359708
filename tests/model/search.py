"""Breadth-first exploration of a bounded model, with a shortest trace to what is wrong."""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

#: Where a search gives up; the bounded model must end before.
MAX_STATES = 1_000_000

#: A world, what may happen in it, and what that leads to.
W = TypeVar("W")
A = TypeVar("A")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration found: how much there is, and the way to the first invariant that is broken."""

    states: int
    steps: int
    broken: str | None = None
    trace: tuple[object, ...] = ()

    def __str__(self) -> str:
        lines = [f"{number:3}. {action}" for number, action in enumerate(self.trace, start=1)]
        return "\n".join([f"{self.states:,} states, {self.steps:,} steps: {self.broken or 'all is well'}", *lines])


class Search(ABC, Generic[W, A, S]):
    """The worlds found so far, and how each was reached.

    Parameters:
      starts: the worlds in which nothing has happened yet.
    """

    #: The name of what a dead end breaks.
    dead_end: ClassVar[str]

    def __init__(self, starts: Iterable[W]) -> None:
        self.numbers: dict[object, int] = {}
        self.came: list[tuple[int, A | None]] = []
        self.queue: deque[tuple[int, W]] = deque()
        self.steps = 0
        #: For each world, from which others a helpful step leads to it.
        self.helped: list[list[int]] = []
        self.ends: list[int] = []
        for world in starts:
            self.note(world, -1, None)

    @abstractmethod
    def key(self, world: W) -> object:
        """Return what tells a world from others."""

    @abstractmethod
    def rests(self, world: W) -> bool:
        """Return whether nothing needs to happen any more."""

    @abstractmethod
    def following(self, world: W) -> Iterator[tuple[A, S]]:
        """Yield what may happen, and what it leads to."""

    @abstractmethod
    def take(self, number: int, world: W, action: A, step: S) -> str | None:
        """Go along one step; return the invariant that it breaks, if any."""

    def note(self, world: W, came_from: int, action: A | None) -> tuple[int, bool]:
        """Return a world's number, and whether it is new."""
        key = self.key(world)
        number = self.numbers.get(key)
        if number is not None:
            return number, False
        number = self.numbers[key] = len(self.came)
        self.came.append((came_from, action))
        self.helped.append([])
        if self.rests(world):
            self.ends.append(number)
        self.queue.append((number, world))
        return number, True

    def found(self, name: str | None, number: int = 0, *last: A) -> Explored:
        """Return the outcome, with the way to the world of a number."""
        trace: list[A] = []
        while number > 0:
            number, action = self.came[number]
            trace += [] if action is None else [action]
        return Explored(len(self.came), self.steps, name, (*reversed(trace), *last))

    def run(self) -> Explored:
        """Visit every world, or stop at the first invariant that is broken."""
        with _no_collection():
            while self.queue:
                number, world = self.queue.popleft()
                for action, step in self.following(world):
                    self.steps += 1
                    name = self.take(number, world, action, step)
                    if name is not None:
                        return self.found(name, number, action)
                if len(self.came) > MAX_STATES:
                    raise AssertionError(f"the model has more than {MAX_STATES:,} states: its bounds are too wide")
            return self.stuck()

    def stuck(self) -> Explored:
        """Look for worlds from which no helpful way leads to an end or a rest."""
        reached, waiting = set(self.ends), list(self.ends)
        while waiting:
            fresh = [number for number in self.helped[waiting.pop()] if number not in reached]
            reached.update(fresh)
            waiting += fresh
        if len(reached) == len(self.came):
            return self.found(None)
        return self.found(self.dead_end, next(number for number in range(len(self.came)) if number not in reached))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Spare the garbage collector: frozen worlds make no cycles."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
