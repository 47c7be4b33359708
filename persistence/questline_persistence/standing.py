"""Where a quest stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from questline_persistence.states import TicketState


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a quest stands: its epoch and version now, the next position, and its ticket if it has one."""

    epoch: int
    version: int
    position: str | None
    ticket: Row[Any] | None = None

    @property
    def running(self) -> bool:
        """Whether a worker has a claim on the next step."""
        return self.ticket is not None and self.ticket.state == TicketState.RUNNING
