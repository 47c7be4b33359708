"""A ticket as people are told of it."""

from __future__ import annotations

from dataclasses import dataclass

from questline_persistence.states import TicketState


@dataclass(frozen=True, slots=True)
class TicketView:
    """What a quest may run now, runs or waits to run: one step, and who has it; times are epoch seconds.

    `lost` counts the workers that died while they ran it; `company` is how many steps its next process may run at most
    while it runs this one.
    """

    position: str
    handler: str
    state: TicketState
    attempt: int
    lost: int
    company: int
    available_at: float
    queue: str
    worker_id: str | None
    claimed_at: float | None
    deadline: float | None
    snoozed_until: float | None

    @property
    def snoozed(self) -> bool:
        """Whether the step itself has asked for what it waits for."""
        return self.snoozed_until == self.available_at

    def running_seconds(self, now: float) -> float:
        """Return for how long its step has been running."""
        return 0.0 if self.claimed_at is None else max(now - self.claimed_at, 0.0)

    def is_overdue(self, now: float) -> bool:
        """Return whether its step has run for longer than it may."""
        return self.deadline is not None and self.deadline <= now
