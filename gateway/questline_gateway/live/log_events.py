"""What the steps of one quest say, line by line as it is written, until the quest has ended."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from functools import partial

from questline_gateway.live import wire
from questline_gateway.live.listener import Listener
from questline_gateway.live.reader import in_thread
from questline_gateway.security import Veil
from questline_gateway.tenants import Tenant
from questline_persistence.errors import QuestNotFound, StoreUnavailable
from questline_persistence.records.changes import Look
from questline_persistence.states import TERMINAL, ExecutionStatus
from questline_persistence.step_log import LogLine

#: Seconds between two looks for lines that have come.
LOOK_SECONDS = 1.0
#: How long after a quest has ended its last lines are waited for, in seconds: they are written behind it.
LATE_SECONDS = 1.5
#: How the id of the last event of a quest that has ended differs from the cursor of its last line.
END = ":end"


class LogEvents:
    """The lines of one quest for one reader.

    Parameters:
      here: the namespace.
      quest_id: the quest.
      after: the cursor of the line that was seen last; None where none was.
      veil: takes out what nobody is to see.
    """

    def __init__(self, here: Tenant, quest_id: str, after: str | None, veil: Veil) -> None:
        self._here = here
        self._quest_id = quest_id
        self._tail = here.step_log.tail(quest_id, after=after)
        self._last = after or ""
        self._veil = veil
        self._ended_at: float | None = None

    async def sent_to(self, listener: Listener[Look]) -> AsyncGenerator[bytes]:
        """Yield the events, as they are sent, until the quest has ended or is gone.

        Parameters:
          listener: is told when the stream is to end before that.

        Raises:
          Ended: it is to end.
        """
        spoken = time.monotonic()
        while True:
            try:
                lines = await in_thread(self._tail.look)
                status = None if lines else await in_thread(partial(self._here.repository.status, self._quest_id))
            except QuestNotFound:
                yield wire.event("end", {"quest_id": self._quest_id, "what": "deleted", "status": None})
                return
            except StoreUnavailable:
                lines, status = [], None
            for line in lines:
                yield self._told(line)
            if status in TERMINAL and self._is_late():
                yield wire.event("end", self._end(status), self._last + END)
                return
            if lines:
                spoken = time.monotonic()
            elif time.monotonic() - spoken >= wire.HEARTBEAT_SECONDS:
                spoken = time.monotonic()
                yield wire.HEARTBEAT
            await listener.next(0.0 if lines else LOOK_SECONDS)

    def _told(self, line: LogLine) -> bytes:
        self._last, self._ended_at = line.place.cursor, None
        return wire.event("line", self._veil.over(line.to_json(), payloads=True), self._last)

    def _is_late(self) -> bool:
        """Tell whether no more lines are to be waited for."""
        self._ended_at = self._ended_at or time.monotonic()
        return time.monotonic() - self._ended_at >= LATE_SECONDS

    def _end(self, status: ExecutionStatus | None) -> dict[str, str]:
        return {"quest_id": self._quest_id, "what": "ended", "status": str(status)}
