"""The middleware that keeps a process known to be alive, and finds out when it is not."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import dramatiq
from dramatiq.middleware import Middleware
from dramatiq.worker import ConsumerThread

from questline_persistence.clock import uptime
from questline_persistence.errors import StoreUnavailable
from questline_persistence.failpoints import failpoint
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Identity, Journal
from questline_persistence.log import get_logger
from questline_persistence.recovery import Bells, Counter, Counters, Register, WorkerCard
from questline_scheduler.loops import Loop
from questline_worker.lords import known_handlers
from questline_worker.steps import RunningSteps

log = get_logger(__name__)

#: Most claims without a thread that one heartbeat gives back: a thousand, one by one, would outlast the lease.
MAX_STRAYS = 50


class Lease(Middleware):
    """Registers the process as a worker, renews its lease, and notices claims that are gone.

    Parameters:
      register: the list of workers.
      identity: under which name to claim, and which Lords are known: from now on this lease alone changes it.
      journal: where claims that nobody here knows of are given back.
      bells: told which Lords can be run now.
      running: the steps whose claims are watched.
      counters: where results are counted that were fenced.
      queues: what the process listens to, for people to see.
      process_id: the name under which the process's supervisor knows it.
      on_name: told of each worker id that the process takes: of the first before anything is consumed.
      prepare: called before the first registration; raises ConfigurationError where this process cannot work.
      heartbeat_seconds: time between two renewals.
      lease_seconds: how long the process counts as alive after one.
    """

    name = "heartbeat"

    def __init__(
        self,
        register: Register,
        identity: Identity,
        journal: Journal,
        bells: Bells,
        running: RunningSteps,
        *,
        counters: Counters,
        queues: tuple[str, ...],
        process_id: str,
        on_name: Callable[[str], object] = lambda _: None,
        prepare: Callable[[], None],
        heartbeat_seconds: float,
        lease_seconds: float,
    ) -> None:
        self.interval = heartbeat_seconds
        self._register = register
        self._identity = identity
        self._journal = journal
        self._bells = bells
        self._running = running
        self._counters = counters
        self._lease_seconds = lease_seconds
        self._prepare = prepare
        self._card = WorkerCard(
            "", process_id, socket.gethostname(), os.getpid(), 0, queues, code_version=identity.code_version
        )
        self._registered = threading.Event()
        #: Until when the lease is known to last, by this process's own clock: it may have been suspended since.
        self._good_until = 0.0
        self._leaving = threading.Event()
        self._loop = Loop(self)
        self._beating = threading.Lock()
        self._on_name = on_name

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Take a fresh name and start the heartbeat; the store need not be there yet."""
        worker.queue_prefetch = worker.worker_threads
        self.start(worker.worker_threads)

    def after_consumer_thread_boot(self, broker: dramatiq.Broker, thread: ConsumerThread) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Keep the thread from fetching before the process is registered.

        What is held by a worker that the store does not know is given back by nobody, should it die.
        """
        while thread.running and not self._registered.wait(0.2):
            pass

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Stop the heartbeat and sign off."""
        self.stop()

    def start(self, threads: int) -> None:
        """Take a fresh name and start the heartbeat."""
        self.learn()
        self._card = replace(
            self._card,
            worker_id=new_claim_id(),
            pid=os.getpid(),
            threads=threads,
            handlers=tuple(self._identity.handlers),
        )
        self._on_name(self._card.worker_id)
        failpoint("worker.boot")
        self._loop.start()

    def learn(self) -> None:
        """Look again which Lords are known here."""
        self._identity.learn(known_handlers())

    def stop(self) -> None:
        """Stop the heartbeat and sign off; steps that still run are swept up by others."""
        self._leaving.set()
        self._loop.stop()
        if self._registered.is_set():
            self._registered.clear()  # who is to claim from now on would do so under a worker that has signed off
            self._report()
            try:
                self._register.leave(self._card.worker_id)
            except StoreUnavailable as error:
                log.warning("leave_failed", error=str(error))

    @property
    def worker_id(self) -> str:
        """The name under which the process claims now."""
        return self._card.worker_id

    @property
    def alive(self) -> bool:
        """Whether the heartbeat goes on."""
        return self._loop.alive

    @property
    def good(self) -> bool:
        """Whether the process may claim: a claim under a lease that is over would be swept as a lost worker's."""
        return self._registered.is_set() and uptime() < self._good_until

    @property
    def leaving(self) -> bool:
        """Whether the process is about to sign off."""
        return self._leaving.is_set()

    def beat(self) -> None:
        """Prolong the lease between two heartbeats; what is wrong with it, the next one finds out."""
        asked = uptime()
        if self._register.renew(self._card.worker_id, self._lease_seconds):
            self._good_until = asked + self._lease_seconds

    def wait_until_registered(self) -> bool:
        """Wait until the process may claim; False when it is about to end instead."""
        while not self.good:
            if self._leaving.is_set():
                return False
            (self._leaving if self._registered.is_set() else self._registered).wait(0.2)
        return True

    def run_once(self, *, now: float | None = None) -> None:  # noqa: ARG002  (a lease runs by the database's clock)
        """Register or renew, then look which claims are gone, and note how far the steps say to be."""
        with self._beating:  # two at a time would each take a new name for a worker that was taken for dead
            self._beat_once()

    def _beat_once(self) -> None:
        asked = uptime()  # before: the lease runs from when the store heard of it
        if not self._registered.is_set():
            self._prepare()
            self._enter()
        elif self._register.renew(self._card.worker_id, self._lease_seconds):
            self._good_until = asked + self._lease_seconds
        else:
            self._enter_again()
        for claim_id in islice(self._running.check(self._card.worker_id), MAX_STRAYS):
            settled = self._journal.release_stray(claim_id)
            log.warning("claim_stray", claim_id=claim_id, released=settled.won)
        self._register.note_progress(self._running.take_progress())
        self._report()

    def _enter(self) -> None:
        asked = uptime()
        self._register.enter(self._card, self._lease_seconds)
        self._good_until = asked + self._lease_seconds
        self._identity.rename(self._card.worker_id)
        self._registered.set()
        self._bells.ring_refused(self._identity.handlers)
        self._register.forget()  # no timers may run anywhere, and each executor leaves a row
        log.info("worker_started", worker_id=self._card.worker_id, pid=self._card.pid, threads=self._card.threads)

    def _report(self) -> None:
        """Count the results that were fenced since the last heartbeat, where there were any."""
        self._counters.add(Counter.RESULTS_FENCED, self._running.take_fenced())

    def _enter_again(self) -> None:
        """Go on under a new name after having been taken for dead; claims under the old one are gone or will be."""
        log.warning("lease_lost", worker_id=self._card.worker_id)
        self._registered.clear()  # no thread claims under the old name; what a checkpoint still does is swept
        self._card = replace(self._card, worker_id=new_claim_id())
        self._enter()
        self._on_name(self._card.worker_id)  # only now: nobody would take back what a worker holds that nobody knows
