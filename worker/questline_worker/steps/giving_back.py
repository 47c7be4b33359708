"""Gives steps back that are claimed here and will not run here after all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from questline_persistence.claims import Settled
from questline_persistence.errors import StoreUnavailable
from questline_persistence.journal import Journal
from questline_persistence.log import get_logger
from questline_scheduler.doorbells import PATIENCE_SECONDS
from questline_worker.steps.handover import Handover
from questline_worker.steps.running import RunningStep, RunningSteps

log = get_logger(__name__)

#: Threads that give steps back; at the end there may be a thousand async ones, and little time.
RELEASERS = 4


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
        """Give back what has been waiting for a thread too long: the handlers before it take their time.

        What the consumers have fetched stands behind the steps that were handed over, and would wait as long. Once the
        threads are about to end, none of them takes it up.
        """
        overdue, closed = self.waiting(PATIENCE_SECONDS), self._handover.closed
        if closed:
            self._handover.close()  # once more: a consumer may have begun since
        returned = self._handover.return_messages(0.0 if overdue or closed else PATIENCE_SECONDS)
        if overdue or (returned and not closed):
            log.info("threads_busy", given_back=overdue, returned=returned)

    def waiting(self, seconds: float = 0.0) -> int:
        """Give back what has been waiting for a thread for so long at least; return how many steps that were."""
        return self._unbegun(self._handover.waiting(seconds))

    def refused(self, quest_id: str, epoch: int, position: str) -> None:
        """Give back the step of a handed message that is done, unless a thread has begun the step."""
        self._unbegun([(quest_id, epoch, position)])

    def running(self) -> None:
        """Give back all that still runs: its time is over."""
        self._give_back(self._running.all(), self._stop)

    def _unbegun(self, keys: Iterable[tuple[str, int, str]]) -> int:
        """Give back those of these steps that no thread has begun; return how many those were."""
        steps = [step for step in [self._handover.take(*key) for key in keys] if step is not None]
        for step in steps:
            self._running.end(step.claim)
        self._give_back(steps, self._release)
        return len(steps)

    def _give_back(self, steps: Sequence[RunningStep], release: Callable[[RunningStep], Settled | None]) -> None:
        """Release steps, several at once, and ring for all of them together."""
        if steps:
            with ThreadPoolExecutor(min(RELEASERS, len(steps)), "questline-releaser") as releasers:
                self._ring([settled for settled in releasers.map(release, steps) if settled is not None])

    def _stop(self, step: RunningStep) -> Settled | None:
        """Release a step that runs, and have it told."""
        settled = self._release(step)
        if settled is not None:
            log.warning("step_released", quest_id=step.claim.quest_id, position=step.claim.position, won=settled.won)
            # What it may still return is no longer wanted; where the claim was gone before, that is told.
            if settled.won:
                step.let_go()
            else:
                step.lose()
        return settled

    def _release(self, step: RunningStep) -> Settled | None:
        """Release a step's claim; None if the store is away."""
        try:
            return self._journal.release(step.claim)
        except StoreUnavailable as error:
            log.warning("release_failed", quest_id=step.claim.quest_id, error=str(error))
            return None
