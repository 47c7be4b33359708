"""The life of a step: a message wakes it up, it is claimed and run, its end is written, and the next one is woken.

Read from the top: each stage is one verb, and the running step is the record that goes from one to the next. An async
step leaves the thread that has called its handler, and comes back to the same stages on another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from structlog.contextvars import bind_contextvars, reset_contextvars

from questline_persistence.claims import Checkpoint, Claim, Dropped, Outcome, Settled, Succeeded
from questline_persistence.errors import StoreUnavailable
from questline_persistence.failpoints import failpoint
from questline_persistence.log import get_logger
from questline_worker.lords import StepHooks
from questline_worker.steps.async_steps import StepStarter
from questline_worker.steps.checkpointing import Checkpointing
from questline_worker.steps.claiming import Claiming
from questline_worker.steps.pending import Pending
from questline_worker.steps.running import RunningStep, RunningSteps, ids_of
from questline_worker.steps.wake_ups import EndedStep, WakeUps

log = get_logger(__name__)

#: Calls the handler of a step.
Call = Callable[[RunningStep], Outcome | Pending]


class Pipeline:
    """Leads steps through their lives.

    Parameters:
      may_claim: tells whether the process may claim; waits until it may, or is about to end.
      claiming: claims steps.
      running: the list of what runs here.
      async_steps: where a step goes on whose handler is async.
      checkpointing: writes the ends of steps; what it has posted must be told to `settled`.
      wake_ups: rings for the next steps.
      hooks: told of every step, or None.
    """

    def __init__(
        self,
        *,
        may_claim: Callable[[], bool],
        claiming: Claiming,
        running: RunningSteps,
        async_steps: StepStarter,
        checkpointing: Checkpointing,
        wake_ups: WakeUps,
        hooks: StepHooks | None,
    ) -> None:
        self._may_claim = may_claim
        self._claiming = claiming
        self._running = running
        self._async_steps = async_steps
        self._checkpointing = checkpointing
        self._wake_ups = wake_ups
        self._hooks = hooks

    def wake_up(self, call: Call, quest_id: str, epoch: int, position: str) -> None:
        """Lead the step that a message names through its life, if it may run here and now."""
        failpoint("worker.fetched")
        if not self._may_claim():
            return
        try:
            step = self._claiming.claim(quest_id, epoch, position)
            if step is None:
                return
            tokens = bind_contextvars(**ids_of(step.claim))
            try:
                outcome = self._run(call, step)
                if outcome is not None:
                    self._checkpoint(step, outcome, on_worker_thread=True)
            finally:
                reset_contextvars(**tokens)
        except StoreUnavailable as error:
            # At shutdown, or with a store that no wait can mend; else it is waited for. What was claimed is swept.
            log.warning("step_abandoned", quest_id=quest_id, position=position, error=str(error))
        except Exception:
            # Whatever this was, the message is done. A claim that is left is given back by the lease, or swept.
            log.exception("step_broken", quest_id=quest_id, position=position)

    def _run(self, call: Call, step: RunningStep) -> Outcome | None:
        """Call the handler and return how it ended; None if it is async, and goes on without this thread."""
        try:
            failpoint("worker.claimed")
            if self._hooks is not None:
                self._hooks.step_started(step.claim)
            began = time.monotonic()
            # It may have been taken away while it waited for this thread, or while the machine was suspended; what its
            # handler returned would be fenced.
            result = call(step) if step.still_held() else Dropped()
            step.note_run(time.monotonic() - began)
            if isinstance(result, Pending):
                return self._async_steps.start(step, result, partial(self._come_back, step))
        except BaseException:
            self._running.end(step.claim)
            raise
        return result

    def _come_back(self, step: RunningStep, outcome: Outcome) -> None:
        """Go on with an async step that has ended, on another thread than the one that called its handler."""
        tokens = bind_contextvars(**ids_of(step.claim))
        try:
            self._checkpoint(step, outcome, on_worker_thread=False)
        except StoreUnavailable as error:  # as above
            log.warning("step_abandoned", error=str(error))
        finally:
            reset_contextvars(**tokens)

    def _checkpoint(self, step: RunningStep, outcome: Outcome, *, on_worker_thread: bool) -> None:
        """Write the end of a step and wake the next one; a step whose end is only posted goes on in `settled`."""
        posted, claim = False, step.claim
        step.settle()
        try:
            if self._hooks is not None:
                self._hooks.step_ended(claim, outcome)
            ended_at = claim.time()
            settled = self._checkpointing.write(step, outcome, on_worker_thread=on_worker_thread)
            posted = settled is None
        finally:
            if not posted:
                self._running.end(claim)
        if settled is not None:
            self._wake_ups.after([EndedStep(claim, outcome, settled)])
            self._tell_settled(claim, ended_at)

    def settled(self, posted: Sequence[tuple[Checkpoint[Succeeded], Settled | BaseException]]) -> None:
        """Wake the next steps of those whose posted ends have been settled, or have met an error."""
        done = self._checkpointing.let_through(posted)
        self._wake_ups.after(self._checkpointing.settled(done), posted=True)
        for checkpoint, _ in done:
            self._tell_settled(checkpoint.claim, checkpoint.end_time)

    def _tell_settled(self, claim: Claim, ended_at: float) -> None:
        """Tell how long it took to write the end of a step."""
        if self._hooks is not None:
            self._hooks.step_settled(claim, claim.time() - ended_at)
