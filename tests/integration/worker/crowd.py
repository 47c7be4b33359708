"""Many async steps that wait together."""

import asyncio
from typing import Any

from questline_persistence.models import QuestExecutionData
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import LONG, Member, quest
from tests.waiting import eventually


class Crowd:
    """Async steps of Lord `crowd` that wait until they are let go, counted while they do.

    Parameters:
      name: another name for the Lord.
    """

    def __init__(self, name: str = "crowd") -> None:
        self.now = 0
        self.most = 0
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self._gate = asyncio.Event()
        lord(name, "work")(self._wait)

    async def _wait(self, context: LordContext) -> str:
        self.begun.append(context.quest_id)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self._gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(context.quest_id)
            raise
        finally:
            self.now -= 1
        return context.position

    def wait_for(self, count: int) -> None:
        eventually(lambda: self.now == count, timeout=LONG, message=f"{self.now} wait, not {count}")

    def let_go(self, member: Member) -> None:
        """Let those go that wait on this worker's loop, and all that come."""
        member.process.event_loop.running().call_soon_threadsafe(self._gate.set)


def quests(count: int, *lords: Any) -> list[QuestExecutionData]:
    return [quest(*(lords or ("crowd",))) for _ in range(count)]
