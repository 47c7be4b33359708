"""A process that appends events to a session that other processes append to.

`python -m benchmarks.appending URL SESSION COUNT` says "ready", waits for a line, appends, and says "done".
"""

from __future__ import annotations

import asyncio
import sys

from benchmarks.harness.memory_calls import WARM_UP
from benchmarks.harness.memory_things import event
from questline.memory import StateStore


async def append(url: str, session_id: str, count: int) -> None:
    """Append so many events, one after the other."""
    async with StateStore(url) as states:
        for number in range(WARM_UP):
            await states.save_event(event(f"{session_id}-warm-up", number))
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(count):
            await states.save_event(event(session_id, number))
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(append(sys.argv[1], sys.argv[2], int(sys.argv[3])))
