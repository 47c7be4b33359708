"""What the models of memory share: moves, guards that a mutant lacks, and how they are explored.

Each model is a bounded piece of the store, and those who write to it. A move is one committed transaction, or one read
by somebody who acts upon what it has read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from tests.model.search import Explored, Search

#: The name of what a dead end breaks.
STUCK = "whoever writes comes to an end by what happens of itself"

W = TypeVar("W")
T = TypeVar("T")


class Move(NamedTuple, Generic[W]):
    """Something that may happen, and what the world is like afterwards.

    `helps` tells that it happens of itself sooner or later, `breaks` which invariant it breaks on its way.
    """

    name: str
    world: W
    helps: bool = True
    breaks: str | None = None

    def __str__(self) -> str:
        return self.name


class Model(ABC, Generic[W]):
    """A bounded model of one part of memory.

    Parameters:
      without: the guard that a mutant lacks.
    """

    #: What each write keeps to, and the invariant that breaks without it.
    guards: ClassVar[Mapping[str, str]]

    def __init__(self, without: str | None = None) -> None:
        assert without is None or without in self.guards
        self._without = without

    def keeps(self, guard: str) -> bool:
        """Return whether a guard is there."""
        return guard != self._without

    @abstractmethod
    def starts(self) -> Iterable[W]:
        """Return the worlds in which nothing has happened yet."""

    @abstractmethod
    def moves(self, world: W) -> Iterator[Move[W]]:
        """Yield what may happen."""

    @abstractmethod
    def rests(self, world: W) -> bool:
        """Return whether nobody waits for anything."""

    def broken(self, world: W) -> str | None:  # noqa: ARG002  (some ask this of moves alone)
        """Return the invariant that a world breaks, if any."""
        return None


class _Search(Search[Any, Move[Any], Move[Any]]):
    """The worlds of one model."""

    dead_end: ClassVar[str] = STUCK

    def __init__(self, model: Model[Any]) -> None:
        self._model = model
        super().__init__(model.starts())

    def key(self, world: Any) -> object:
        return world

    def rests(self, world: Any) -> bool:
        return self._model.rests(world)

    def following(self, world: Any) -> Iterator[tuple[Move[Any], Move[Any]]]:
        return ((move, move) for move in self._model.moves(world))

    def take(self, number: int, world: Any, action: Move[Any], step: Move[Any]) -> str | None:  # noqa: ARG002  (a move knows)
        if step.breaks:
            return step.breaks
        target, new = self.note(step.world, number, action)
        if step.helps:
            self.helped[target].append(number)
        return self._model.broken(step.world) if new else None


def explore(model: Model[Any]) -> Explored:
    """Return what the whole of a model looks like, or the shortest way to a broken invariant."""
    return _Search(model).run()


def put(items: tuple[T, ...], at: int, item: T) -> tuple[T, ...]:
    """Return a copy in which one item is another."""
    return (*items[:at], item, *items[at + 1 :])


def left(items: tuple[T, ...], at: int) -> tuple[T, ...]:
    """Return a copy without one item."""
    return (*items[:at], *items[at + 1 :])
