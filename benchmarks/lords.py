"""The Lords of the benchmarks: they do as little as they can."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from questline import LordContext, lord
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.writes import Saves

#: What a step of the long quest returns: about a kilobyte of JSON.
KILOBYTE = "x" * 1000
#: Calls that a step makes once: as many as it may.
CALLS = 1_000


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


@lord("bench", "remember")
def remember(ctx: LordContext) -> dict[str, Any]:
    """Save a state under a key of the quest's own."""
    kept = ctx.kept
    kept.save(Saves(AGENT_STATES, kept.key(ctx.quest_id), body={"state_data": ctx.position, "metadata": "{}"}))
    return {}


@lord("bench", "calls")
def calls(ctx: LordContext) -> dict[str, Any]:
    """Make calls that run once, one after the other; return how long that took."""
    began = time.perf_counter()
    for number in range(CALLS):
        ctx.once(str(number), dict)
    return {"seconds": time.perf_counter() - began}


async def nothing() -> dict[str, Any]:
    """Return nothing, where it is awaited."""
    return {}


@lord("bench", "gathered")
async def gathered(ctx: LordContext) -> dict[str, Any]:
    """Make the same number of calls, all of them at a time."""
    began = time.perf_counter()
    await asyncio.gather(*(ctx.once(str(number), nothing) for number in range(CALLS)))
    return {"seconds": time.perf_counter() - began}


@lord("bench", "nap")
async def nap(ctx: LordContext, seconds: float) -> float:  # noqa: ARG001  (as above)
    """Sleep without holding a thread."""
    await asyncio.sleep(seconds)
    return seconds
