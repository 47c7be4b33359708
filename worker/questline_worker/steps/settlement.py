"""Settles steps that have run: commits what came of them, hands over what comes next, and rings for the rest.

Who has others waiting for its thread only posts a result, and goes on; what follows from it then happens where it is
committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeGuard

from questline_persistence.claims import (
    RING_SLACK,
    Checkpoint,
    Claim,
    Doorbell,
    Dropped,
    Failed,
    GivenBack,
    Outcome,
    Settled,
    Snoozed,
    Succeeded,
)
from questline_persistence.errors import PayloadError, StoreUnavailable
from questline_persistence.failpoints import failpoint
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Journal
from questline_persistence.log import get_logger
from questline_persistence.retries import backoff
from questline_persistence.states import ExecutionStatus
from questline_scheduler.doorbells import BackgroundRinger, Ringer
from questline_worker.steps.handover import Handover, Seat
from questline_worker.steps.running import RunningStep, RunningSteps

log = get_logger(__name__)

#: What a quest fails with where the store takes no record of a failure.
_UNRECORDED = "the database took no record of this attempt"
#: How long a stop waits for the bells of the last results, in seconds; the relay rings for what is left then.
RING_SECONDS = 1.0


class Settlement:
    """Commits what came of the steps of one process, and goes on from there.

    Parameters:
      journal: where results are committed.
      ringer: rings for the next step.
      running: the list of what runs here.
      handover: finds places for what comes next.
      behind: whether a thread may go on while its result is being committed.
      on_quest_changed: told of a quest whose status a step's end has changed, or None.
    """

    def __init__(
        self,
        journal: Journal,
        ringer: Ringer,
        running: RunningSteps,
        handover: Handover,
        *,
        behind: bool,
        on_quest_changed: Callable[[Claim, ExecutionStatus], object] | None = None,
    ) -> None:
        self._journal = journal
        self._ringer = ringer
        # Whoever commits what others have posted must not wait for the broker: they all would.
        self._background_ringer = BackgroundRinger(ringer)
        self._running = running
        self._handover = handover
        self._behind = behind
        self._on_quest_changed = on_quest_changed

    def end(self, step: RunningStep, outcome: Outcome, *, its_turn: bool) -> None:
        """Commit what came of a step: at once, or soon if others wait for this thread.

        Parameters:
          its_turn: whether this thread may go on with the quest's next step.
        """
        posted = False
        try:
            settled = self._commit(step, outcome, its_turn=its_turn)
            posted = settled is None
        finally:
            if not posted:
                self._running.end(step.claim)
        if settled is not None:
            self._after([(step.claim, outcome, settled)], self._ringer.ring)

    def ring(self, ends: Iterable[Settled]) -> None:
        """Ring for the steps that are ready now that these have been settled."""
        self._ringer.ring(self._due(ends))

    def finish(self) -> None:
        """Wait a little for the bells of what was committed behind the threads' backs."""
        self._background_ringer.drain(RING_SECONDS)

    def _commit(self, step: RunningStep, outcome: Outcome, *, its_turn: bool) -> Settled | None:
        """Commit what came of a step; or post it, and return None."""
        if not _is_plain(outcome):
            return self._settle(step.claim, outcome)
        busy = self._behind and len(self._running) > 1
        if busy and its_turn and self._handover.promise(step):
            self._post_promised(step, outcome, new_claim_id())
            return None
        seat = self._handover.seat(step, own=busy and its_turn, mine=its_turn)
        if seat is None and busy:
            self._post(step, outcome)
            return None
        if seat is None:
            return self._settle(step.claim, outcome)
        name = new_claim_id()
        with seat, self._running.expecting(name):
            return self._hand_over(seat, self._settle(step.claim, outcome, next_claim_id=name))

    def _post_promised(self, step: RunningStep, outcome: Succeeded, name: str) -> None:
        """Have a result committed soon, and with it the next step claimed, under a name and for a promised place."""
        self._running.expect(name)  # until `settled`: the claim may be there long before its reply is
        try:
            self._post(step, outcome, next_claim_id=name)
        except BaseException:
            self._running.forget(name)
            self._handover.promised(step.claim)  # nothing will come to its place
            raise

    def _post(self, step: RunningStep, outcome: Succeeded, next_claim_id: str | None = None) -> None:
        """Have a result committed soon."""
        self._journal.post(Checkpoint(step.claim, outcome, step.claim.time(), next_claim_id=next_claim_id))

    def _hand_over(self, seat: Seat, settled: Settled) -> Settled:
        """Have a thread of this process run what was claimed together with a result, if anything was."""
        if settled.next_claim is not None:
            seat.give(self._running.begin(settled.next_claim, after=seat.after))
        return settled

    def settled(self, ends: Sequence[tuple[Checkpoint[Succeeded], Settled | BaseException]]) -> None:
        """Go on where posted checkpoints have been settled."""
        after = []
        for checkpoint, result in ends:
            seat = self._handover.promised(checkpoint.claim)
            try:
                settled = result if isinstance(result, Settled) else self._refused(checkpoint.claim, result)
                if seat is not None:
                    self._hand_over(seat, settled)
            except StoreUnavailable as error:
                log.warning("step_abandoned", **ids_of(checkpoint.claim), error=str(error))
            except Exception:
                log.exception("step_broken", **ids_of(checkpoint.claim))
            else:
                after.append((checkpoint.claim, checkpoint.outcome, settled))
            if checkpoint.next_claim_id is not None:
                self._running.forget(checkpoint.next_claim_id)
            self._running.end(checkpoint.claim)
        self._after(after, self._background_ringer.ring)

    def _after(
        self, ends: Sequence[tuple[Claim, Outcome, Settled]], ring: Callable[[Sequence[Doorbell]], object]
    ) -> None:
        """Have `ring` ring for the steps that are ready now that these have been settled."""
        failpoint("worker.settled")
        for claim, outcome, settled in ends:
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
        ring(self._due(settled for _, _, settled in ends))
        failpoint("worker.rung")

    def _settle(self, claim: Claim, outcome: Outcome, next_claim_id: str | None = None) -> Settled:
        """Commit what came of a claim, and claim what comes after it if that has a name."""
        match outcome:
            case Succeeded():
                try:
                    return self._journal.checkpoint(Checkpoint(claim, outcome, claim.time(), next_claim_id))
                except Exception as error:  # noqa: BLE001  (looked at there)
                    return self._refused(claim, error)
            case Failed(error, retry_in):
                log.info(
                    "step_failed", lord=claim.lord_name, attempt=claim.attempt, retry_in=retry_in, error=error[:200]
                )
                return self._fail(claim, outcome)
            case Snoozed(after):
                log.info("step_snoozed", lord=claim.lord_name, after=after)
                return self._journal.release(claim, after=after)
            case GivenBack():
                # Unrung: a relay finds it, anybody's; our own bell would bring it straight back here.
                return replace(self._journal.release(claim), doorbell=None)
            case Dropped():
                return Settled(won=False)

    def _refused(self, claim: Claim, error: BaseException) -> Settled:
        """Fail a step whose result could not be stored."""
        if isinstance(error, StoreUnavailable):
            raise error
        if isinstance(error, PayloadError):
            return self._fail(claim, Failed(error.advice, None))
        # The store refuses this very result, or an error is not known to pass: an attempt is spent, so that
        # this cannot go on for ever. What the database says may hold the result itself, so the log has it.
        log.error("checkpoint_refused", **ids_of(claim), lord=claim.lord_name, exc_info=error)
        wait = backoff(claim.attempt, claim.max_attempts, claim.backoff_seconds)
        reason = f"the result could not be stored: {type(error).__name__}; the worker's log tells more"
        return self._fail(claim, Failed(reason, wait))

    def _fail(self, claim: Claim, failed: Failed) -> Settled:
        """Spend an attempt of a step, also where the store does not take the record of it.

        Else the step would run without end: each attempt would be given back as if it had not been.
        """
        error, retry_in, now = failed.error, failed.retry_in, claim.time()
        plain = error.encode("ascii", "backslashreplace").decode()  # any database can hold that
        told = [error] if error == plain else [error, plain]
        for text in told:
            try:
                return self._journal.fail(Checkpoint(claim, Failed(text, retry_in), now))
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("failure_refused", **ids_of(claim), lord=claim.lord_name)
        try:
            unrecorded = Failed(f"{_UNRECORDED}: {plain}", retry_in)
            return self._journal.fail(Checkpoint(claim, unrecorded, now), recorded=False)
        except StoreUnavailable:
            raise
        except BaseException:
            self._running.expect(claim.claim_id)  # for good: given back, it would run again, and not count
            raise

    def _due(self, ends: Iterable[Settled]) -> list[Doorbell]:
        """Return the bells of what may run now."""
        due = self._journal.database.clock.now() + RING_SLACK
        return [end.doorbell for end in ends if end.doorbell and end.doorbell.available_at <= due]


def _is_plain(outcome: Outcome) -> TypeGuard[Succeeded]:
    """Tell whether an outcome is a result and no more, so that it can be committed together with others."""
    return isinstance(outcome, Succeeded) and not outcome.pushed


def ids_of(claim: Claim) -> dict[str, str]:
    """Return what tells a step in the log."""
    return {"quest_id": claim.quest_id, "position": claim.position, "claim_id": claim.claim_id}
