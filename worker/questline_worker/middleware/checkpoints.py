"""The middleware that makes steps durable: it leads each through its life, as `steps.pipeline` tells.

It wraps the actor's function when that is declared. Dramatiq's before/after hooks would not do: what they
raise is logged and swallowed, and the step would run unclaimed or its result be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import dramatiq
from dramatiq.middleware import Middleware
from dramatiq.worker import ConsumerThread

from questline_persistence.claims import Checkpoint, Settled, Succeeded
from questline_persistence.failpoints import failpoint
from questline_persistence.journal import Journal
from questline_persistence.recovery import Bells
from questline_scheduler.doorbells import HandedMessage, Ringer
from questline_scheduler.loops import Loop
from questline_worker.lords import StepHooks
from questline_worker.middleware.lease import Lease
from questline_worker.steps import (
    AsyncSteps,
    Checkpointing,
    Claiming,
    Company,
    EventLoop,
    GivingBack,
    Handover,
    HeldEnds,
    OutcomeWriter,
    Pipeline,
    RunningSteps,
    StepStarter,
    WakeUps,
    WorkQueue,
)


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
        self._lease = lease
        self._async_steps = async_steps or AsyncSteps(EventLoop(), running)
        self._company = Company(running, lease.beat, ringer.broker.free_threads, self._is_stopping)
        # Not while suspects run here: what is handed over begins whatever the company.
        self._handover = Handover(lambda: lease.good and not self._company.careful)
        on_quest_changed = None if hooks is None else hooks.quest_changed
        self._wake_ups = WakeUps(journal.database, ringer, running, on_quest_changed)
        outcomes = OutcomeWriter(journal, running)
        held, met = HeldEnds(outcomes.write, self.settled), HeldEnds(outcomes.write, self.settled)
        self._pipeline = Pipeline(
            may_claim=lease.wait_until_registered,
            claiming=Claiming(journal, bells, running, self._handover, self._company),
            running=running,
            async_steps=self._async_steps,
            checkpointing=Checkpointing(outcomes, running, self._handover, held, met, behind=behind),
            wake_ups=self._wake_ups,
            hooks=hooks,
        )
        self._giving_back = GivingBack(journal, running, self._handover, self._wake_ups.ring)
        self._overdue = Loop(self._giving_back)

    def after_declare_actor(self, broker: dramatiq.Broker, actor: dramatiq.Actor[Any, Any]) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Wrap the actor's function."""
        actor.fn = partial(self._pipeline.wake_up, actor.fn)

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
        self._wake_ups.finish()

    def settled(self, posted: Sequence[tuple[Checkpoint[Succeeded], Settled | BaseException]]) -> None:
        """Go on where posted checkpoints have been settled, or have met an error."""
        self._pipeline.settled(posted)

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

    def _is_stopping(self) -> bool:
        return self._handover.closed or self._lease.leaving
