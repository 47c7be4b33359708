"""What is awaited, and never for ever."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tests.integration.worker.pools import LONG


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work`, and fail rather than wait for ever."""

    async def bounded() -> Any:
        return await asyncio.wait_for(work, LONG)

    return asyncio.run(bounded())


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds, and let the event loop go on meanwhile."""
    async with asyncio.timeout(LONG):
        while not holds():  # noqa: ASYNC110  what is waited for knows no event
            await asyncio.sleep(0.01)
