"""Claims the steps that messages name, where they may begin beside those that run here."""

from __future__ import annotations

from functools import partial

from questline_persistence.claims import Claim, ClaimRequest, Doorbell
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Journal
from questline_persistence.log import get_logger
from questline_persistence.recovery import Bells
from questline_worker.steps.company import Company
from questline_worker.steps.handover import Handover
from questline_worker.steps.running import RunningStep, RunningSteps

log = get_logger(__name__)

#: How long nobody is told of a suspect that may not begin yet and was given back, in seconds: it may soon begin here.
PUT_OFF_SECONDS = 1.0


class Claiming:
    """Claims steps for one process.

    Parameters:
      journal: where they are claimed.
      bells: told of steps that this process cannot run.
      running: the list of what runs here.
      handover: has the steps that were claimed together with the checkpoint before them.
      company: says what may begin for as long as suspects run here.
    """

    def __init__(
        self, journal: Journal, bells: Bells, running: RunningSteps, handover: Handover, company: Company
    ) -> None:
        self._journal = journal
        self._bells = bells
        self._running = running
        self._handover = handover
        self._company = company

    def claim(self, quest_id: str, epoch: int, position: str) -> RunningStep | None:
        """Claim a step, if it may run here and now, and begin in the company of those that do.

        Returns:
          The step, listed as running; None if it was not to be had, or is left to others.
        """
        step = self._handover.take(quest_id, epoch, position)
        if step is not None:
            return step
        suspect = None
        if not self._company.careful:
            step = self._claim(quest_id, epoch, position)
            if step is None or not step.claim.lost:
                return step
            suspect = self._put_off(step)
        return self._claim_with_care(quest_id, epoch, position, suspect)

    def _claim(self, quest_id: str, epoch: int, position: str) -> RunningStep | None:
        """Ask for a claim under a fresh name; leave the step if it was not to be had."""
        claim_id = new_claim_id()
        with self._running.expecting(claim_id):
            claim = self._journal.claim(ClaimRequest(quest_id, epoch, position, claim_id))
            step = None if claim is None else self._running.begin(claim)
        if step is None:
            self._leave(quest_id, epoch, position)
        return step

    def _leave(self, quest_id: str, epoch: int, position: str) -> None:
        """Leave a ticket that was not to be had; note it if that was because the Lord is unknown here."""
        if self._bells.refuse(quest_id, epoch, position, self._journal.identity.handlers):
            log.warning("lord_unknown", quest_id=quest_id, position=position)

    def _claim_with_care(self, quest_id: str, epoch: int, position: str, suspect: Claim | None) -> RunningStep | None:
        """Claim a step where suspects run, once it may begin; left alone, it is rung for again."""
        waits = partial(self._waits, quest_id, epoch, position)
        with self._company.turn() as mine:
            may_begin = mine and (
                self._company.opens() if suspect is None else self._company.lets_begin(suspect, waits)
            )
            while may_begin:
                step = self._claim(quest_id, epoch, position)
                if step is None or self._admitted(step):
                    return step
                suspect = self._put_off(step)
                may_begin = self._company.lets_begin(suspect, waits)
        if suspect is None:
            self._bells.ring_soon([Doorbell(quest_id, epoch, position)])
        return None

    def _admitted(self, step: RunningStep) -> bool:
        """Return whether a claimed step may begin beside those that run here."""
        try:
            return self._company.admits(step)
        except BaseException:
            self._running.end(step.claim)  # no thread has it: the heartbeat gives back what is claimed and not listed
            raise

    def _put_off(self, step: RunningStep) -> Claim:
        """Give a step back that may not begin yet; return the claim on it that was."""
        step.settle()
        try:
            self._journal.release(step.claim, quiet=PUT_OFF_SECONDS)
        finally:
            self._running.end(step.claim)  # only now: whoever counts those that run here counts what the store knows
        return step.claim

    def _waits(self, quest_id: str, epoch: int, position: str) -> bool:
        """Return whether a step waits for a worker."""
        bell = self._bells.bell_of(quest_id)
        return bell is not None and (bell.epoch, bell.position) == (epoch, position)
