"""How long a caller would wait for a quest's end (RFC 7240), and waiting for it without holding a thread."""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.concurrency import run_in_threadpool

from questline_gateway.tenants import Tenant
from questline_persistence.errors import QuestFailed, WaitTimeout
from questline_persistence.models import QuestExecutionData
from questline_scheduler.client import Wait

#: Longest wait of one request, in seconds.
MAX_WAIT = 60
#: Most requests that wait at a time; further ones are answered with the quest as it is.
MAX_WAITING = 200

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


def seconds_preferred(
    prefer: Annotated[
        str | None,
        Header(
            alias="Prefer",
            max_length=1_000,
            description="`wait=N`: answer once the quest has ended, or after N seconds; at most 60.",
        ),
    ] = None,
) -> int | None:
    """Return for how many seconds `Prefer` would wait, or None where it says nothing of that.

    Parameters:
      prefer: the header.
    """
    found = _WAIT.search(prefer or "")
    return None if found is None else min(int(found[1]), MAX_WAIT)


#: What a route takes that can wait for a quest's end.
Patience = Annotated[int | None, Depends(seconds_preferred)]


class Waiting:
    """The requests of one application that wait for quests, until it stops."""

    def __init__(self) -> None:
        self._number = 0
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Have those that wait answered now; from any thread."""
        self._stopped.set()

    async def until(self, wait: Wait) -> QuestExecutionData | None:
        """Return a quest once it is completed; None where it is not, or not yet.

        Parameters:
          wait: looks for the quest's end.
        """
        self._number += 1
        try:
            with suppress(QuestFailed, WaitTimeout):
                while self._number <= MAX_WAITING and not self._stopped.is_set():
                    quest = await run_in_threadpool(wait.look)
                    if quest is not None:
                        return quest
                    await asyncio.sleep(wait.pause)
        finally:
            self._number -= 1
        return None


async def awaited(request: Request, here: Tenant, quest_id: str, seconds: float) -> QuestExecutionData:
    """Return a quest once it has come to rest, or as it is when the time is over.

    Parameters:
      request: the request that waits.
      here: the namespace.
      quest_id: the quest's id.
      seconds: the longest to wait.

    Raises:
      QuestNotFound: there is no such quest.
    """
    waiting: Waiting = request.app.state.waiting
    quest = await waiting.until(Wait(here.repository, quest_id, seconds))
    return await run_in_threadpool(here.client.get, quest_id) if quest is None else quest
