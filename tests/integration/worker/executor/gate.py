"""Lords that wait until they are let go."""

import asyncio
import threading

from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import LONG


class Gate:
    """An async Lord that waits until it is let go, and a sync one that does."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self.open = threading.Event()
        lord("waiting", "work")(self.wait)
        lord("blocking", "work")(self.block)

    async def wait(self, context: LordContext) -> str:
        self.begun.append(context.position)
        try:
            while not self.open.is_set():  # noqa: ASYNC110  the test opens it from anywhere
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled.append(context.position)
            raise
        self.ended.append(context.position)
        return context.position

    def block(self, context: LordContext) -> str:
        self.begun.append(context.position)
        self.open.wait(LONG)
        self.ended.append(context.position)
        return context.position
