"""A ticket as people are shown it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from questline_persistence.clock import rfc3339
from questline_persistence.states import TicketState


@dataclass(frozen=True, slots=True)
class TicketView:
    """What a quest may run now, runs or waits to run: one step, and who has it; times are epoch seconds.

    Parameters:
      position: the step's place in the stack.
      handler: the Lord and tool that the step needs, as "lord:tool".
      state: whether it is ready, runs, waits or is held by a pause.
      attempt: how many of its attempts are spent.
      lost: how many workers died while they ran it.
      company: how many steps its next process may run at most while it runs this one, itself included; of no meaning
        while `lost` is 0.
      available_at: from when on it may run.
      queue: the queue that workers hear of it by.
      worker_id: the worker that runs it; None while none does.
      claimed_at: since when it runs.
      deadline: until when this attempt may run.
      snoozed_until: until when the step itself last put itself off.
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
        """Return for how many seconds its step has been running; 0.0 while it does not.

        Parameters:
          now: the database's time.
        """
        return 0.0 if self.claimed_at is None else max(now - self.claimed_at, 0.0)

    def is_overdue(self, now: float) -> bool:
        """Return whether its step has run for longer than it may.

        Parameters:
          now: the database's time.
        """
        return self.deadline is not None and self.deadline <= now

    def to_json(self) -> dict[str, Any]:
        """Return the ticket as JSON, its times as texts."""
        return {
            "position": self.position,
            "handler": self.handler,
            "state": str(self.state),
            "attempt": self.attempt,
            "lost": self.lost,
            "company": self.company,
            "available_at": rfc3339(self.available_at),
            "queue": self.queue,
            "worker_id": self.worker_id,
            "claimed_at": _text(self.claimed_at),
            "deadline_at": _text(self.deadline),
            "snoozed": self.snoozed,
        }


def _text(moment: float | None) -> str | None:
    return None if moment is None else rfc3339(moment)
