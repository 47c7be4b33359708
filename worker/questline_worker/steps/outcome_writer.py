"""Writes how steps have ended: each outcome by its own guarded statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from questline_persistence.backoff import backoff
from questline_persistence.claims import (
    Checkpoint,
    Claim,
    Dropped,
    Failed,
    GivenBack,
    Outcome,
    Settled,
    Snoozed,
    Succeeded,
)
from questline_persistence.dialects import Overtime
from questline_persistence.errors import PayloadError, StoreUnavailable, summary_of
from questline_persistence.journal import MAX_CONFLICTS, Journal
from questline_persistence.log import get_logger
from questline_persistence.writes import Moved, Saves, Write
from questline_worker.lords import Permanent
from questline_worker.steps.running import RunningSteps, ids_of

log = get_logger(__name__)

#: What a quest fails with where the store takes no record of a failure.
_UNRECORDED = "the database took no record of this attempt"


#: How often a result is committed anew because a key has moved that its step updates.
MAX_UPDATES = 10


class _UpdateError(Exception):
    """What updates a key has met an error when it was called again, which is its cause."""


class OutcomeWriter:
    """Commits what came of the steps of one process.

    Parameters:
      journal: where it is committed.
      running: the list of what runs here.
    """

    def __init__(self, journal: Journal, running: RunningSteps) -> None:
        self._journal = journal
        self._running = running

    def write(self, claim: Claim, outcome: Outcome, next_claim_id: str | None = None) -> Settled:
        """Commit what came of a claim, and claim the next step if that claim has a name.

        Raises:
          Overtime: somebody keeps locked what the step writes; nothing was written.
        """
        match outcome:
            case Succeeded():
                return self._succeed(claim, outcome, next_claim_id)
            case Failed(error, retry_in):
                told = claim.tellable(error[:200])
                log.info("step_failed", lord=claim.lord_name, attempt=claim.attempt, retry_in=retry_in, error=told)
                return self._fail(claim, outcome)
            case Snoozed(after):
                log.info("step_snoozed", lord=claim.lord_name, after=after)
                return self._journal.release(claim, after=after)
            case GivenBack(quiet):
                # Unrung: a relay finds it, anybody's; our own bell would bring it straight back here.
                return replace(self._journal.release(claim, quiet=quiet), doorbell=None)
            case Dropped():
                return Settled(won=False)

    def _succeed(self, claim: Claim, outcome: Succeeded, next_claim_id: str | None) -> Settled:
        """Commit a result, or end the claim otherwise where the store does not take it."""
        try:
            return self._commit(claim, outcome, next_claim_id)
        except Moved as moved:
            return self._put_off(claim, moved.save)
        except Overtime:
            raise
        except _UpdateError as raised:
            return self._fail(claim, _failed(claim, raised.__cause__ or raised))
        except Exception as error:  # noqa: BLE001  (looked at there)
            return self.refused(claim, error)

    def _commit(self, claim: Claim, outcome: Succeeded, next_claim_id: str | None) -> Settled:
        """Commit a result; what updates a key that has moved meanwhile is made anew from what is there now.

        Raises:
          Moved: a key has moved that the step does not merely update, or again and again.
          _UpdateError: what updates it raises an error when it is called again.
        """
        for _ in range(MAX_UPDATES):
            try:
                return self._journal.checkpoint(Checkpoint(claim, outcome, claim.time(), next_claim_id))
            except Moved as moved:
                if moved.save.again is None:
                    raise
                outcome = replace(outcome, also=_anew(outcome.also, _made_again(moved.save.again)))
        return self._journal.checkpoint(Checkpoint(claim, outcome, claim.time(), next_claim_id))

    def _put_off(self, claim: Claim, save: Saves) -> Settled:
        """Have a step run again that has met a conflict, at no cost but the time; too many are an error."""
        key = f"{save.kind.name} {save.key.name}"
        error = f"{key} is no longer at version {save.expected}, which this step has loaded: somebody else has saved it"
        settled = self._journal.put_off(Checkpoint(claim, Failed(error, None), claim.time()))
        if settled is not None:
            log.info("step_put_off", lord=claim.lord_name, kind=save.kind.name, key=save.key.name)
            return settled
        advice = "update it (`update`) instead of saving what was loaded, or append to it"
        wait = backoff(claim.attempt, claim.max_attempts, claim.backoff_seconds)
        return self._fail(claim, Failed(f"{error}, {MAX_CONFLICTS + 1} times in a row; {advice}", wait))

    def post(self, claim: Claim, outcome: Succeeded, next_claim_id: str | None = None) -> None:
        """Have a result committed soon; whoever the journal tells of it hears what became of it."""
        self._journal.post(Checkpoint(claim, outcome, claim.time(), next_claim_id))

    def refused(self, claim: Claim, error: BaseException) -> Settled:
        """Fail a step whose result could not be stored.

        Raises:
          StoreUnavailable: the store did not answer.
        """
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


def _made_again(again: Callable[[], Saves]) -> Saves:
    try:
        return again()
    except StoreUnavailable:
        raise
    except Exception as error:
        raise _UpdateError from error


def _failed(claim: Claim, error: BaseException) -> Failed:
    """Return how a step fails whose update has met an error: as if its handler had."""
    for_good = isinstance(error, Permanent | PayloadError)
    wait = None if for_good else backoff(claim.attempt, claim.max_attempts, claim.backoff_seconds)
    return Failed(error.advice if isinstance(error, PayloadError) else summary_of(error), wait)


def _anew(also: Sequence[Write], made: Saves) -> tuple[Write, ...]:
    """Return what a step writes with one save in the place of that of the same key."""
    place = (made.kind, made.key)
    return tuple(made if isinstance(one, Saves) and (one.kind, one.key) == place else one for one in also)
