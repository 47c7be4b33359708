"""One object in two colours: in a coroutine its methods are awaited, elsewhere they are called as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from questline_persistence.memory.awaited import Awaited


class Coloured(Awaited):
    """Awaits the methods of a plain object, each on a thread.

    Parameters:
      plain: the object.
    """

    def __init__(self, plain: object) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plain, name)
        return partial(self._awaited, found) if callable(found) else found

    def _awaited(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Awaitable[Any]:
        return self._call(method, *args, **kwargs)


def coloured(plain: Any) -> Any:
    """Return an object as its methods are to be used here: to be awaited where an event loop runs this code."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return plain
    return Coloured(plain)
