"""How long a caller would wait for a quest's end (RFC 7240), and waiting for it without holding a thread."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Header
from starlette.concurrency import run_in_threadpool

from questline_gateway.tenants import Tenant
from questline_persistence.errors import QuestFailed, WaitTimeout
from questline_persistence.models import QuestExecutionData
from questline_scheduler.client import Wait

#: Longest wait of one request, in seconds.
MAX_WAIT = 60

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


def seconds_preferred(
    prefer: Annotated[
        str | None,
        Header(
            max_length=1_000, description="`wait=N`: answer once the quest has ended, or after N seconds; at most 60."
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


async def awaited(here: Tenant, quest_id: str, seconds: float) -> QuestExecutionData:
    """Return a quest once it has come to rest, or as it is when the time is over.

    Parameters:
      here: the namespace.
      quest_id: the quest's id.
      seconds: the longest to wait.

    Raises:
      QuestNotFound: there is no such quest.
    """
    wait = Wait(here.repository, quest_id, seconds)
    with suppress(QuestFailed, WaitTimeout):
        while (quest := await run_in_threadpool(wait.look)) is None:  # noqa: ASYNC110  (a store has no event to wait for)
            await asyncio.sleep(wait.pause)
        return quest
    return await run_in_threadpool(here.client.get, quest_id)
