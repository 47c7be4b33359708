"""The Lords of the benchmarks: they do as little as they can."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from questline import LordContext, lord

#: What a step of the long quest returns: about a kilobyte of JSON.
KILOBYTE = "x" * 1000


@lord("bench", "noop")
def noop(ctx: LordContext) -> dict[str, Any]:  # noqa: ARG001  (every handler gets it)
    """Do nothing."""
    return {}


@lord("bench", "kilobyte")
def kilobyte(ctx: LordContext) -> dict[str, Any]:  # noqa: ARG001  (as above)
    """Return a kilobyte."""
    return {"text": KILOBYTE}


@lord("bench", "stamp")
def stamp(ctx: LordContext) -> float:  # noqa: ARG001  (as above)
    """Return when the handler was called, by the machine's clock."""
    return time.time()


@lord("bench", "nap")
async def nap(ctx: LordContext, seconds: float) -> float:  # noqa: ARG001  (as above)
    """Sleep without holding a thread."""
    await asyncio.sleep(seconds)
    return seconds
