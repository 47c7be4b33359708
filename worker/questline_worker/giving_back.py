"""Gives steps back that are claimed here and will not run here after all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from questline_persistence.claims import Claim, Settled
from questline_persistence.errors import StoreUnavailable
from questline_persistence.journal import Journal
from questline_persistence.log import get_logger
from questline_worker.handover import Handover
from questline_worker.running import RunningStep, RunningSteps

log = get_logger(__name__)

#: Threads that give back what still runs at the end; there may be a thousand async steps, and little time.
RELEASERS = 4
#: How long a step that was handed over waits for a thread of this process before another one may have it, in seconds.
PATIENCE_SECONDS = 0.25


class GivingBack:
    """Releases claims: no attempt is spent, and whoever is free takes the step up.

    Parameters:
      journal: where claims are released.
      running: the list of what runs here.
      handover: the steps that wait for a thread of this process.
      ring: rings for what is ready now.
    """

    name = "giving-back"
    interval = PATIENCE_SECONDS

    def __init__(
        self,
        journal: Journal,
        running: RunningSteps,
        handover: Handover,
        ring: Callable[[Sequence[Settled]], object],
    ) -> None:
        self._journal = journal
        self._running = running
        self._handover = handover
        self._ring = ring

    def run_once(self, *, now: float | None = None) -> None:  # noqa: ARG002  (a wait goes by the process's own clock)
        """Give back what has been waiting for a thread too long: the handlers before it take their time."""
        if overdue := self.waiting(PATIENCE_SECONDS):
            log.info("threads_busy", given_back=overdue)

    def waiting(self, seconds: float = 0.0) -> int:
        """Give back what has been waiting for a thread for so long at least; return how many steps that were."""
        return sum([self.unbegun(*key) for key in self._handover.waiting(seconds)])

    def unbegun(self, quest_id: str, epoch: int, position: str) -> bool:
        """Give back a step that was handed over, unless a thread has begun it."""
        step = self._handover.take(quest_id, epoch, position)
        if step is not None:
            self._running.end(step.claim)
            self._ring_for([self._release(step.claim)])
        return step is not None

    def running(self) -> None:
        """Give back all that still runs: its time is over."""
        with ThreadPoolExecutor(RELEASERS, "questline-releaser") as releasers:
            self._ring_for(releasers.map(self._stop, self._running.all()))

    def _stop(self, step: RunningStep) -> Settled | None:
        settled = self._release(step.claim)
        if settled is not None:
            log.warning("step_released", quest_id=step.claim.quest_id, position=step.claim.position, won=settled.won)
            step.lose()  # what it may still return is no longer wanted
        return settled

    def _release(self, claim: Claim) -> Settled | None:
        """Release a claim; None if the store is away."""
        try:
            return self._journal.release(claim)
        except StoreUnavailable as error:
            log.warning("release_failed", quest_id=claim.quest_id, error=str(error))
            return None

    def _ring_for(self, ends: Iterable[Settled | None]) -> None:
        self._ring([end for end in ends if end is not None])
