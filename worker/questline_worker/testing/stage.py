"""What watches the steps of an executor for tests: how the last one ended, and where the process is to die."""

from __future__ import annotations

from questline_persistence.claims import Claim, Outcome
from questline_persistence.models import as_step
from questline_persistence.states import ExecutionStatus
from questline_persistence.step_names import StepName


class Died(BaseException):
    """Ends the thread that runs a step, as the death of its process does: nothing is written, nothing given back."""


class Stage:
    """Told of every step that an executor runs."""

    def __init__(self) -> None:
        self._end: tuple[Claim, Outcome] | None = None
        self._crash_at: str | None = None
        self._recovers = False
        #: Whether the process has died where it was to.
        self.crashed = False

    @property
    def last_end(self) -> tuple[Claim, Outcome]:
        """The claim that ended last, and how."""
        if self._end is None:
            raise LookupError("no step has run here")
        return self._end

    def crash_at(self, step: StepName) -> None:
        """Die at the end of a step, once, that is called so: its handler, its function or its position."""
        self._crash_at, self.crashed = (step if isinstance(step, str) else as_step(step).handler), False

    def take_crash(self) -> bool:
        """Return whether the process has died since somebody asked."""
        recovers, self._recovers = self._recovers, False
        return recovers

    def step_started(self, claim: Claim) -> None:
        """Nothing has ended."""

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Note how, and die if that was asked for."""
        self._end = (claim, outcome)
        if self._crash_at in {claim.handler, claim.position}:
            self._crash_at, self.crashed, self._recovers = None, True, True
            raise Died

    def step_settled(self, claim: Claim, seconds: float) -> None:
        """It is known already."""

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """Whoever asks reads the quest."""
