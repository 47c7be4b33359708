"""The timers: wake waiting steps that are due, and tidy up what is over: workers that have ended, what has expired."""

from __future__ import annotations

from questline_persistence.recovery import Bells, Expired, Register


class Timers:
    """Carries out what only time brings about.

    Parameters:
      bells: knows which steps wait, and until when.
      register: the list of workers.
      expired: what Lords remembered for a time only.
    """

    name = "timers"
    interval = 0.5
    #: One run in this many also tidies up.
    tidy_every = 1_000

    def __init__(self, bells: Bells, register: Register, expired: Expired) -> None:
        self._bells = bells
        self._register = register
        self._expired = expired
        self._runs = 0

    def run_once(self, *, now: float | None = None) -> int:
        """Wake what is due; return how many steps that were."""
        self._runs += 1
        if self._runs % self.tidy_every == 1:
            self._register.forget(now=now)
            self._expired.remove(now=now)
        return self._bells.wake(now=now)
