"""A worker process put together: store, broker, middleware and actor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

from questline_persistence import schema
from questline_persistence.claims import Checkpoint, Settled, Succeeded
from questline_persistence.errors import ConfigurationError
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Identity, Journal
from questline_persistence.log import get_logger
from questline_persistence.records import QuestRepository
from questline_persistence.recovery import Bells, Counters, Register
from questline_persistence.settings import Settings
from questline_persistence.store import Database, open_database, pool_limits
from questline_scheduler.doorbells import DoorbellBroker, Ringer, open_broker
from questline_scheduler.loops import Loops, make_loops
from questline_scheduler.monitoring import Tally
from questline_worker.lords import StepHooks
from questline_worker.middleware import (
    BackgroundLoops,
    Checkpoints,
    Lease,
    Ledger,
    Patience,
    Standby,
    StepLogs,
    Watchdog,
)
from questline_worker.steps import AsyncSteps, DrivenSteps, EventLoop, Execution, RunningSteps, declare_actor

log = get_logger(__name__)

#: Exit code of a process whose store has the wrong schema, as on the command line.
EXIT_CONFIGURATION = 7
#: How long a running process waits for a store that is away, in seconds: for as long as it lives.
FOR_EVER = float("inf")


class WorkerProcess:
    """Everything that one worker process holds; nothing connects before the worker boots.

    Whoever runs it sees the middleware through the broker: a Dramatiq worker on `broker` runs steps, and an executor
    calls `actor` itself.

    Parameters:
      settings: the settings of the process.
      loops: whether the background loops run here.
      process_id: the name under which a supervisor knows the process.
      database: an open store to use instead of the setting's.
      broker: a broker to use instead of the setting's.
      hooks: told of every step, or None.
      tally: where the loops of the process count for its metrics, or None.
      driven: calls handlers where quests are awaited in this process, instead of by Dramatiq's threads; then no thread
        goes on while its result is being committed.
      step_logs: keeps what steps say, where `driven` has been made with it; None makes one.
      ledger: notes what steps spend, likewise.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        loops: bool = True,
        process_id: str | None = None,
        database: Database | None = None,
        broker: DoorbellBroker | None = None,
        hooks: StepHooks | None = None,
        tally: Tally | None = None,
        driven: DrivenSteps | None = None,
        step_logs: StepLogs | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.settings = settings
        self._tally = tally
        # A thread may hold one connection for its step's outputs while the committers use others, for what is slow too.
        pool = pool_limits(settings, auto=min(settings.worker_threads + 8, 20))
        self.database = database or open_database(chosen=settings, pool=pool, patience=FOR_EVER)
        self.broker = broker or open_broker(settings.broker_url, namespace=settings.namespace)
        self._identity = Identity(code_version=settings.code_version)
        self.journal = Journal(self.database, settings.namespace, self._identity, on_settled=self._settled)
        self.register = Register(self.database, settings.namespace)
        self.bells = Bells(self.database, settings.namespace)
        self.running = RunningSteps(self.register, self.journal.record_once)
        self.event_loop = EventLoop()
        self.async_steps = AsyncSteps(
            self.event_loop, self.running, limit=settings.max_async, shutdown_seconds=settings.shutdown_seconds
        )
        self.process_id = process_id or new_claim_id()
        self.step_logs = step_logs or StepLogs(self.database)
        self.ledger = ledger or Ledger(self.database, settings.namespace, tally)
        self._add_middleware(hooks, driven)
        repository = QuestRepository(self.database, namespace=settings.namespace)
        calls = driven or Execution(
            repository, self.step_logs.put, spend=self.ledger.note, captures=settings.capture_output
        )
        self.actor = declare_actor(self.broker, calls.begin, settings.queues)
        if loops:
            self.broker.add_middleware(BackgroundLoops(self._loops))
        if not self.broker.in_process:
            self.broker.add_middleware(Standby(self.broker, self.bells))

    @cached_property
    def lease(self) -> Lease:
        """The heartbeat, by which the process has its name and may claim."""
        return Lease(
            self.register,
            self._identity,
            self.journal,
            self.bells,
            self.running,
            counters=Counters(self.database, self.settings.namespace),
            queues=self.settings.queues,
            process_id=self.process_id,
            on_name=self.broker.hold_as,
            prepare=self._check_schema,
            heartbeat_seconds=self.settings.heartbeat_seconds,
            lease_seconds=self.settings.lease_seconds,
        )

    @cached_property
    def _loops(self) -> Loops:
        """The background loops, which start and stop with the worker."""
        return make_loops(self.database, self.broker, self.settings, tally=self._tally)

    def leave(self) -> None:
        """Give back what still runs in a process that has no Dramatiq worker, as one does that stops, and sign off."""
        self.broker.emit_before("worker_shutdown", None)
        self.broker.emit_after("worker_shutdown", None)

    def _add_middleware(self, hooks: StepHooks | None, driven: DrivenSteps | None) -> None:
        """Add the middleware; Dramatiq tells the last one first: what still runs is given back before the sign-off."""
        ringer = Ringer(self.broker, self.bells)
        self._checkpoints = Checkpoints(
            self.journal,
            self.bells,
            ringer,
            self.lease,
            self.running,
            hooks=hooks,
            behind=driven is None,
            async_steps=driven or self.async_steps,
        )
        if driven is None:
            self.broker.add_middleware(Patience(self.database, self.settings.shutdown_seconds))
            self.broker.add_middleware(Watchdog(self.running, async_steps=self.async_steps))
        self.broker.add_middleware(self.step_logs)
        self.broker.add_middleware(self.ledger)
        self.broker.add_middleware(self.lease)
        self.broker.add_middleware(self._checkpoints)

    def retire(self) -> None:
        """Take no step up any more; what runs may go on."""
        self._checkpoints.retire()

    def _settled(self, posted: Sequence[tuple[Checkpoint[Succeeded], Settled | BaseException]]) -> None:
        """Pass on what became of posted checkpoints: the journal is there before the middleware that posts them."""
        self._checkpoints.settled(posted)

    def _check_schema(self) -> None:
        """Make sure of the schema, and end the process if it is not ours: nothing it did would succeed."""
        try:
            schema.ensure(self.database, auto_migrate=self.settings.auto_migrate)
        except ConfigurationError as error:
            log.critical("schema_refused", error=error.message, hint=error.hint)
            os._exit(EXIT_CONFIGURATION)
