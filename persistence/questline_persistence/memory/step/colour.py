"""One object in two colours: in a coroutine its methods are awaited, elsewhere they are called as they are."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from questline_persistence.memory.awaited import Awaited


class Coloured(Awaited):
    """A plain object, and the same one with its methods to be awaited, each on a thread.

    Parameters:
      plain: the object.
    """

    def __init__(self, plain: object) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plain, name)
        awaited = partial(self._call, found) if callable(found) else Coloured(found)
        setattr(self, name, awaited)  # with its threads, which the next call finds waiting
        return awaited

    def here(self) -> Any:
        """Return the object as it is to be used here: with methods to be awaited where an event loop runs this code."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._plain
        return self
