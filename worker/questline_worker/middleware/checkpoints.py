"""The middleware that makes steps durable: claim, then the handler, then the checkpoint, then the next doorbell.

It wraps the actor's function when that is declared. Dramatiq's before/after hooks would not do: what they
raise is logged and swallowed, and the step would run unclaimed or its result be lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import dramatiq
from dramatiq.middleware import Middleware
from dramatiq.worker import ConsumerThread
from structlog.contextvars import bind_contextvars, reset_contextvars

from questline_persistence.claims import Checkpoint, Claim, ClaimRequest, Doorbell, Dropped, Outcome, Settled, Succeeded
from questline_persistence.errors import StoreUnavailable
from questline_persistence.failpoints import failpoint
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Journal
from questline_persistence.log import get_logger
from questline_persistence.recovery import Bells
from questline_persistence.states import ExecutionStatus
from questline_scheduler.doorbells import HandedMessage, Ringer
from questline_scheduler.loops import Loop
from questline_worker.middleware.lease import Lease
from questline_worker.steps import (
    AsyncSteps,
    Company,
    EventLoop,
    GivingBack,
    Handover,
    Pending,
    RunningStep,
    RunningSteps,
    Settlement,
    WorkQueue,
    ids_of,
)

log = get_logger(__name__)

#: How long nobody is told of a suspect that was given back for want of room, in seconds: here it may begin at once.
PUT_OFF_SECONDS = 1.0


class StepHooks(Protocol):
    """Told of every step that this process runs."""

    def step_started(self, claim: Claim) -> None:
        """A step was claimed and its handler is about to be called."""

    def step_ended(self, claim: Claim, outcome: Outcome) -> None:
        """The handler is done; nothing has been written yet."""

    def quest_changed(self, claim: Claim, status: ExecutionStatus) -> None:
        """The end of a step was written, and has brought its quest to another status."""


class StepStarter(Protocol):
    """Lets async steps go on without the threads that began them."""

    def start(self, step: RunningStep, pending: Pending, ended: Callable[[Outcome], object]) -> Outcome | None:
        """Let a step go on and have `ended` told what became of it; return None, or why it could not begin."""

    def close(self) -> None:
        """Begin to count the time that steps have to end."""

    def join(self) -> None:
        """Wait until every step has ended and is settled, or that time is over."""


class Checkpoints(Middleware):
    """Claims each step before its handler runs, and commits what came of it.

    Parameters:
      journal: where claims and results are committed; it must tell `settled` of what was posted.
      bells: told of steps that this process cannot run.
      ringer: rings for the next step.
      lease: says whether this process may claim.
      running: the list of what runs here.
      hooks: told of every step, or None.
      behind: whether a thread may go on while its result is being committed.
      async_steps: where a step goes on whose handler is async.
    """

    def __init__(
        self,
        journal: Journal,
        bells: Bells,
        ringer: Ringer,
        lease: Lease,
        running: RunningSteps,
        *,
        hooks: StepHooks | None = None,
        behind: bool = False,
        async_steps: StepStarter | None = None,
    ) -> None:
        self._journal = journal
        self._bells = bells
        self._lease = lease
        self._running = running
        self._hooks = hooks
        self._async_steps = async_steps or AsyncSteps(EventLoop(), running)
        self._company = Company(running, lease.beat, ringer.broker.free_threads, self._is_stopping)
        # Not while suspects run here: what is handed over begins whatever the company.
        self._handover = Handover(lambda: lease.good and not self._company.careful)
        self._settlement = Settlement(
            journal,
            ringer,
            running,
            self._handover,
            behind=behind,
            on_quest_changed=None if hooks is None else hooks.quest_changed,
        )
        self._giving_back = GivingBack(journal, running, self._handover, self._settlement.ring)
        self._overdue = Loop(self._giving_back)

    def after_declare_actor(self, broker: dramatiq.Broker, actor: dramatiq.Actor[Any, Any]) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Wrap the actor's function."""
        actor.fn = partial(self._run, actor.fn)

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Let a thread keep the step that it hands over to itself."""
        worker.work_queue = WorkQueue()

    def after_consumer_thread_boot(self, broker: dramatiq.Broker, thread: ConsumerThread) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Begin to hand steps over to the threads that this one feeds."""
        self._handover.open(thread)

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Begin to look for steps that wait too long for a thread."""
        self._overdue.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Hand no more steps over, and begin to count the time that async ones have."""
        self._handover.close()
        self._async_steps.close()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Give back the steps that did not begin, or end, within the time allowed for shutting down."""
        failpoint("worker.stopping")
        self._overdue.stop()  # only now: while some threads end their steps, nobody takes what waits for the others
        self._journal.drain()  # what was posted may bring claims along
        self._giving_back.waiting()
        self._async_steps.join()  # Dramatiq has waited for its threads only
        self._journal.drain()  # async steps have posted since
        self._giving_back.running()
        self._settlement.finish()

    def settled(self, ends: Sequence[tuple[Checkpoint[Succeeded], Settled | BaseException]]) -> None:
        """Go on where posted checkpoints have been settled, or have met an error."""
        self._settlement.settled(ends)

    def retire(self) -> None:
        """Take nothing more up; what runs may go on."""
        self._handover.close()

    def after_process_message(
        self,
        broker: dramatiq.Broker,  # noqa: ARG002  (Dramatiq's signature)
        message: dramatiq.MessageProxy,
        *,
        result: object = None,  # noqa: ARG002  (as above)
        exception: BaseException | None = None,  # noqa: ARG002  (as above)
    ) -> None:
        """Give back a step that was handed over and not begun: another middleware has refused its message.

        A message from the broker leaves nothing behind then, but this one's step is claimed.
        """
        if isinstance(message, HandedMessage):
            self._giving_back.refused(**message.kwargs)

    def after_skip_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        """Give back a step whose message was skipped."""
        self.after_process_message(broker, message)

    def _run(self, call: Callable[[RunningStep], Outcome | Pending], quest_id: str, epoch: int, position: str) -> None:
        """Claim the step that a doorbell names, run it, and commit the result."""
        failpoint("worker.fetched")
        if not self._lease.wait_until_registered():
            return
        try:
            step = self._handover.take(quest_id, epoch, position) or self._taken(quest_id, epoch, position)
            if step is None:
                return
            tokens = bind_contextvars(quest_id=quest_id, position=position, claim_id=step.claim.claim_id)
            try:
                self._perform(call, step)
            finally:
                reset_contextvars(**tokens)
        except StoreUnavailable as error:
            # At shutdown, or with a store that no wait can mend; else it is waited for. What was claimed is swept.
            log.warning("step_abandoned", quest_id=quest_id, position=position, error=str(error))
        except Exception:
            # Whatever this was, the message is done. A claim that is left is given back by the lease, or swept.
            log.exception("step_broken", quest_id=quest_id, position=position)

    def _taken(self, quest_id: str, epoch: int, position: str) -> RunningStep | None:
        """Claim the step that a doorbell names, if it may begin in the company of those that run here."""
        suspect = None
        if not self._company.careful:
            step = self._claim(quest_id, epoch, position)
            if step is None or not step.claim.lost:
                return step
            suspect = self._put_off(step)
        return self._taken_with_care(quest_id, epoch, position, suspect)

    def _taken_with_care(self, quest_id: str, epoch: int, position: str, suspect: Claim | None) -> RunningStep | None:
        """Claim a step where suspects run, once there is room for it; left alone, it is rung for again."""
        waits = partial(self._waits, quest_id, epoch, position)
        with self._company.turn() as mine:
            room = mine and (self._company.opens() if suspect is None else self._company.makes_room(suspect, waits))
            while room:
                step = self._claim(quest_id, epoch, position)
                if step is None or self._admitted(step):
                    return step
                suspect = self._put_off(step)
                room = self._company.makes_room(suspect, waits)
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
        step.settling = True
        try:
            self._journal.release(step.claim, quiet=PUT_OFF_SECONDS)
        finally:
            self._running.end(step.claim)  # only now: whoever counts those that run here counts what the store knows
        return step.claim

    def _waits(self, quest_id: str, epoch: int, position: str) -> bool:
        """Return whether a step waits for a worker."""
        bell = self._bells.bell_of(quest_id)
        return bell is not None and (bell.epoch, bell.position) == (epoch, position)

    def _is_stopping(self) -> bool:
        return self._handover.closed or self._lease.leaving

    def _claim(self, quest_id: str, epoch: int, position: str) -> RunningStep | None:
        name = new_claim_id()
        with self._running.expecting(name):
            claim = self._journal.claim(ClaimRequest(quest_id, epoch, position, name))
            step = None if claim is None else self._running.begin(claim)
        if step is None:
            self._leave(quest_id, epoch, position)
        return step

    def _perform(self, call: Callable[[RunningStep], Outcome | Pending], step: RunningStep) -> None:
        """Run a claimed step and see to what came of it; an async one goes on without this thread."""
        try:
            failpoint("worker.claimed")
            if self._hooks is not None:
                self._hooks.step_started(step.claim)
            began = time.monotonic()
            # It may have been taken away while it waited for this thread, or while the machine was suspended; what its
            # handler returned would be fenced.
            result = call(step) if step.still_held() else Dropped()
            step.streak, step.spent = step.streak + 1, step.spent + time.monotonic() - began
            outcome = self._started(step, result) if isinstance(result, Pending) else result
        except BaseException:
            self._running.end(step.claim)
            raise
        if outcome is not None:
            self._end(step, outcome, its_turn=True)

    def _started(self, step: RunningStep, pending: Pending) -> Outcome | None:
        """Let an async step go on; return None, or what became of it if it could not begin."""
        return self._async_steps.start(step, pending, partial(self._end_later, step))

    def _end_later(self, step: RunningStep, outcome: Outcome) -> None:
        """See to what came of an async step, on another thread than the one that began it."""
        tokens = bind_contextvars(**ids_of(step.claim))
        try:
            self._end(step, outcome, its_turn=False)
        except StoreUnavailable as error:  # as above
            log.warning("step_abandoned", error=str(error))
        finally:
            reset_contextvars(**tokens)

    def _end(self, step: RunningStep, outcome: Outcome, *, its_turn: bool) -> None:
        """Settle a step that has run; `its_turn` tells whether this thread may go on with the quest's next one."""
        step.settling = True
        try:
            if self._hooks is not None:
                self._hooks.step_ended(step.claim, outcome)
        except BaseException:
            self._running.end(step.claim)
            raise
        self._settlement.end(step, outcome, its_turn=its_turn)

    def _leave(self, quest_id: str, epoch: int, position: str) -> None:
        """Leave a ticket that was not to be had; note it if that was because the Lord is unknown here."""
        if self._bells.refuse(quest_id, epoch, position, self._journal.identity.handlers):
            log.warning("lord_unknown", quest_id=quest_id, position=position)
