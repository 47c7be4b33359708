"""Writes the end of a step, by this thread or behind its back, and hands the next step over where it is claimed too.

Who has others waiting for its thread only posts a result, and goes on; what follows from it then happens where it is
committed. So it is with an end that somebody's lock holds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from questline_persistence.backoff import spread
from questline_persistence.claims import Checkpoint, Outcome, Settled, Snoozed, Succeeded
from questline_persistence.dialects import Overtime
from questline_persistence.errors import StoreUnavailable
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import TO_BE_WRITTEN_ALONE
from questline_persistence.log import get_logger
from questline_worker.steps.handover import Handover, Place
from questline_worker.steps.held_ends import HeldEnds
from questline_worker.steps.next_runner import who_runs_next
from questline_worker.steps.outcome_writer import OutcomeWriter
from questline_worker.steps.running import RunningStep, RunningSteps, ids_of
from questline_worker.steps.wake_ups import EndedStep

log = get_logger(__name__)

_Posted: TypeAlias = Sequence[tuple[Checkpoint[Succeeded], Settled | BaseException]]

#: Seconds after which a step runs again whose end is held up like so many others that no more can wait.
CROWDED_SECONDS = 5.0


class Checkpointing:
    """Decides who runs the next step, and writes the end of the one before accordingly.

    Parameters:
      outcomes: writes what came of a step.
      running: the list of what runs here.
      handover: finds places for what comes next.
      held: takes the ends that somebody's lock holds up, and tells `settled` of them.
      met: takes the ends that were posted and have met others' writes, and tells `settled` of them.
      behind: whether a thread may go on while its result is being committed.
    """

    def __init__(
        self,
        outcomes: OutcomeWriter,
        running: RunningSteps,
        handover: Handover,
        held: HeldEnds,
        met: HeldEnds,
        *,
        behind: bool,
    ) -> None:
        self._outcomes = outcomes
        self._running = running
        self._handover = handover
        self._held = held
        self._met = met
        self._behind = behind

    def write(self, step: RunningStep, outcome: Outcome, *, on_worker_thread: bool) -> Settled | None:
        """Write the end of a step: at once, or soon if others wait for this thread.

        Parameters:
          step: the step.
          outcome: how it has ended.
          on_worker_thread: whether this thread may go on with the quest's next step.

        Returns:
          What became of it; None if it is posted or held up, and `settled` will hear of it.
        """
        if not isinstance(outcome, Succeeded):  # nothing else takes a claim on the next step along
            return self._outcomes.write(step.claim, outcome)
        if self._held.holds_up(step.claim, outcome):
            return self._hold(step, outcome)
        busy = self._behind and len(self._running) > 1 and not outcome.pushes
        situation = self._handover.situation(step, busy=busy, on_worker_thread=on_worker_thread)
        place = self._handover.reserve(step, who_runs_next(situation), in_turn=situation.in_turn)
        if busy and (place is None or not place.waited_for):
            self._post(step, outcome, place)
            return None
        try:
            return self._write_at(place, step, outcome)
        except Overtime:
            return self._hold(step, outcome) if outcome.also else self._outcomes.write(step.claim, outcome)

    def _write_at(self, place: Place | None, step: RunningStep, outcome: Succeeded) -> Settled:
        """Write a result, and have the next step run at a place, which goes back if it does not."""
        if place is None:
            return self._outcomes.write(step.claim, outcome)
        claim_id = new_claim_id()
        with place, self._running.expecting(claim_id):
            settled = self._outcomes.write(step.claim, outcome, next_claim_id=claim_id)
            self._hand_over(place, settled)
            return settled

    def _refused(self, checkpoint: Checkpoint[Succeeded], error: BaseException) -> Settled:
        """End a step of whose posted result nothing was written."""
        if checkpoint.outcome.also and isinstance(error, TO_BE_WRITTEN_ALONE):  # and too many are
            return self._outcomes.write(checkpoint.claim, Snoozed(spread(CROWDED_SECONDS)))
        return self._outcomes.refused(checkpoint.claim, error)

    def _hold(self, step: RunningStep, outcome: Succeeded) -> Settled | None:
        """Have the end of a step wait for what somebody keeps locked; the step runs again later where too many do."""
        if self._held.take(step.claim, outcome):
            return None
        return self._outcomes.write(step.claim, Snoozed(spread(CROWDED_SECONDS)))

    def let_through(self, posted: _Posted) -> _Posted:
        """Return posted checkpoints that are done with; those that have met others' writes are written by themselves.

        That takes another thread than the one that commits: what updates a key is called again, and locks are waited
        for.
        """
        done = []
        for checkpoint, result in posted:
            if not (checkpoint.outcome.also and isinstance(result, TO_BE_WRITTEN_ALONE)):
                done.append((checkpoint, result))
                continue
            lane = self._held if isinstance(result, Overtime) else self._met
            if not lane.take(checkpoint.claim, checkpoint.outcome):
                done.append((checkpoint, result))
                continue
            if checkpoint.next_claim_id is not None:
                self._handover.reserved(checkpoint.claim)  # nothing comes to its place
                self._running.forget(checkpoint.next_claim_id)
        return done

    def settled(self, posted: _Posted) -> list[EndedStep]:
        """Go on where posted checkpoints have been settled, or have met an error; return what became of them."""
        ended = []
        for checkpoint, result in posted:
            claim, place = checkpoint.claim, self._handover.reserved(checkpoint.claim)
            try:
                settled = result if isinstance(result, Settled) else self._refused(checkpoint, result)
                if place is not None:
                    self._hand_over(place, settled)
            except StoreUnavailable as error:
                log.warning("step_abandoned", **ids_of(claim), error=str(error))
            except Exception:
                log.exception("step_broken", **ids_of(claim))
            else:
                ended.append(EndedStep(claim, checkpoint.outcome, settled))
            if checkpoint.next_claim_id is not None:
                self._running.forget(checkpoint.next_claim_id)
            self._running.end(claim)
        return ended

    def _post(self, step: RunningStep, outcome: Succeeded, place: Place | None) -> None:
        """Have a result committed soon, and with it the next step claimed if a place is reserved for that."""
        claim_id = None if place is None else new_claim_id()
        if claim_id is not None:
            self._running.expect(claim_id)  # until `settled`: the claim may be there long before its reply is
        try:
            self._outcomes.post(step.claim, outcome, next_claim_id=claim_id)
        except BaseException:
            if claim_id is not None:
                self._running.forget(claim_id)
                self._handover.reserved(step.claim)  # nothing will come to its place
            raise

    def _hand_over(self, place: Place, settled: Settled) -> None:
        """Have a thread of this process run what was claimed together with a result, if anything was."""
        if settled.next_claim is not None:
            place.give(self._running.begin(settled.next_claim, after=place.after))
