"""The managers of sessions that the contract suite is run on, and how it awaits them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from questline_persistence.memory.sessions import StateManagerProtocol, TodoListManagerProtocol

T = TypeVar("T")

#: Longest that a test waits for one call, in seconds.
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Managers:
    """The two managers of one store."""

    states: StateManagerProtocol
    todos: TodoListManagerProtocol


class OpenManagers(Protocol):
    """Opens the managers of a test's store, once more at each call; they are closed when the test is over."""

    def __call__(self, *, namespace: str = "default", key_prefix: str | None = None) -> Managers: ...


def wait(call: Awaitable[T]) -> T:
    """Return what a call returns."""

    async def bounded() -> T:
        return await asyncio.wait_for(call, PATIENCE)

    return asyncio.run(bounded())


def wait_for_all(calls: Callable[[], Iterable[Awaitable[Any]]]) -> list[Any]:
    """Return what calls return that are made at once, or the errors that they raise."""

    async def bounded() -> list[Any]:
        return await asyncio.wait_for(asyncio.gather(*calls(), return_exceptions=True), PATIENCE)

    return asyncio.run(bounded())
