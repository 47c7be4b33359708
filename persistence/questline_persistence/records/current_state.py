"""The state in which a quest is now: replay number, version, next step and ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from questline_persistence.models import StepProgress
from questline_persistence.states import TicketState


@dataclass(frozen=True, slots=True)
class CurrentState:
    """The state in which a quest is now.

    Parameters:
      epoch: its replay number now.
      version: the version of its state now.
      position: the next step; None where nothing remains.
      ticket: the row of its first ticket; None where it has ended, or workers never had it.
    """

    epoch: int
    version: int
    position: str | None
    ticket: Row[Any] | None = None

    @property
    def running(self) -> bool:
        """Whether a worker has a claim on the next step."""
        return self.ticket is not None and self.ticket.state == TicketState.RUNNING

    @property
    def step_progress(self) -> StepProgress | None:
        """What the claim that runs a step now has said of its progress, if it has."""
        ticket = self.ticket
        if ticket is None or ticket.claim_id is None or ticket.progress_claim_id != ticket.claim_id:
            return None
        return StepProgress(ticket.progress, ticket.progress_message)
