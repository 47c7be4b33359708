"""How methods are awaited whose work is plain: on a thread, in a copy of the task's context."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from questline_persistence.store import Threads

P = ParamSpec("P")
T = TypeVar("T")

#: Most calls that one object has under way; the others wait for their turn.
CALLS = 10


class Awaited:
    """What has methods to be awaited."""

    _threads: Threads | None = None

    async def _call(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work` returns, called on a thread; what it has begun goes on if the task is cancelled."""
        if self._threads is None:
            self._threads = Threads("questline-memory", CALLS)
        return await asyncio.wrap_future(self._threads.submit(copy_context().run, partial(work, *args, **kwargs)))
