"""Which task is a handler's own: what that calls comes in an order, and what its other tasks call in any."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

_own: ContextVar[object] = ContextVar("questline_own_task")


def mark_own_task() -> None:
    """Note that the present task is the one that awaits a handler; those that it starts see the same context."""
    _own.set(asyncio.current_task())


def caller(thread: int) -> tuple[object, bool]:
    """Return who calls here, a task or a thread, and whether that is the handler itself.

    Parameters:
      thread: the number of the thread that has called the handler.
    """
    try:
        task = asyncio.current_task()
    except RuntimeError:
        here = threading.get_ident()
        return here, here == thread
    return task, task is _own.get(None)
