"""Wakes whoever runs what is ready now that a step's end is written, and tells of that end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from questline_persistence.claims import RING_SLACK, Claim, Doorbell, Outcome, Settled
from questline_persistence.failpoints import failpoint
from questline_persistence.log import get_logger
from questline_persistence.states import ExecutionStatus
from questline_persistence.store import Database
from questline_scheduler.doorbells import BackgroundRinger, Ringer
from questline_worker.steps.running import RunningSteps, ids_of

log = get_logger(__name__)

#: How long a stop waits for the bells of the last results, in seconds; the relay rings for what is left then.
RING_SECONDS = 1.0


class EndedStep(NamedTuple):
    """A claim whose end is written, or was to be: its outcome, and what became of it."""

    claim: Claim
    outcome: Outcome
    settled: Settled


class WakeUps:
    """Rings for the steps that are ready.

    Parameters:
      database: the store, whose clock says what is due.
      ringer: rings.
      running: counts the results that came too late.
      on_quest_changed: told of a quest whose status a step's end has changed, or None.
    """

    def __init__(
        self,
        database: Database,
        ringer: Ringer,
        running: RunningSteps,
        on_quest_changed: Callable[[Claim, ExecutionStatus], object] | None = None,
    ) -> None:
        self._database = database
        self._ringer = ringer
        self._background_ringer = BackgroundRinger(ringer)
        self._running = running
        self._on_quest_changed = on_quest_changed

    def after(self, ended: Sequence[EndedStep], *, posted: bool = False) -> None:
        """Tell what became of steps, and ring for what is ready now.

        Parameters:
          ended: the steps.
          posted: whether others wait for the calling thread, which commits what they have posted: then it must not wait
            for the broker.
        """
        failpoint("worker.settled")
        for each in ended:
            if each.settled.status is not None or not each.settled.won:
                self._tell(each)
        bells = self._due(each.settled for each in ended)
        (self._background_ringer if posted else self._ringer).ring(bells)
        failpoint("worker.rung")

    def ring(self, settled: Iterable[Settled]) -> None:
        """Ring for the steps that are ready now that these have been settled."""
        self._ringer.ring(self._due(settled))

    def finish(self) -> None:
        """Wait a little for the bells of what was posted."""
        self._background_ringer.drain(RING_SECONDS)

    def _tell(self, ended: EndedStep) -> None:
        """Tell of a quest that has another status now, and of a result that came too late."""
        claim, outcome, settled = ended
        if settled.status is not None and self._on_quest_changed is not None:
            self._on_quest_changed(claim, settled.status)
        if not settled.won:
            self._running.note_fenced()
            log.warning(
                "result_fenced",
                **ids_of(claim),
                lord=claim.lord_name,
                outcome=type(outcome).__name__,
                worker_id=claim.worker_id,
            )

    def _due(self, settled: Iterable[Settled]) -> list[Doorbell]:
        """Return the bells of what may run now."""
        due = self._database.clock.now() + RING_SLACK
        return [each.doorbell for each in settled if each.doorbell and each.doorbell.available_at <= due]
