"""What watches the steps of an executor for tests: how the last one ended, and where the process is to die."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NoReturn

from questline_persistence.claims import Claim, Outcome
from questline_persistence.models import as_step
from questline_persistence.states import ExecutionStatus
from questline_persistence.step_names import StepName

#: What watches the steps of the task that runs.
_HERE: ContextVar[Stage | None] = ContextVar("questline-stage", default=None)


class Died(BaseException):
    """Ends the thread that runs a step, as the death of its process does: nothing is written, nothing given back."""


def crash() -> NoReturn:
    """Have the process die here, in a Lord or in what it calls, as if somebody had pulled the plug.

    What `ctx.once` has recorded before stays; nothing else of the attempt is stored, and the step runs again.

    Raises:
      RuntimeError: no `run_quest` and no `StagedExecutor` runs the Lord.

    Example:
      def charge_and_crash(ctx: LordContext) -> str:
          receipt = ctx.once("charge", charge, ctx.quest_id)
          if len(attempts) == 1:
              crash()
          return receipt
    """
    stage = _HERE.get()
    if stage is None:
        raise RuntimeError("crash() is for Lords that run_quest or a StagedExecutor runs")
    stage.die()
    raise Died


class Stage:
    """Told of every step that an executor runs."""

    def __init__(self) -> None:
        self._end: tuple[Claim, Outcome] | None = None
        self._crash_at: str | None = None
        self._dies = self._recovers = False
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

    def enter(self) -> None:
        """Be what `crash` lets die in the calling task, and in the steps that it awaits."""
        _HERE.set(self)

    def die(self) -> None:
        """Die at the end of the step that ends next."""
        self._dies = True

    def take_crash(self) -> bool:
        """Return whether the process has died since somebody asked."""
        recovers, self._recovers = self._recovers, False
        return recovers

    def step_started(self, claim: Claim) -> None:
        """Nothing has ended."""

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Note how, and die if that was asked for."""
        self._end = (claim, outcome)
        if self._dies:
            self._dies, self._recovers = False, True
            raise Died
        if self._crash_at in {claim.handler, claim.position}:
            self._crash_at, self.crashed, self._recovers = None, True, True
            raise Died

    def step_settled(self, claim: Claim, seconds: float) -> None:
        """It is known already."""

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """Whoever asks reads the quest."""
