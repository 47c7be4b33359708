"""How each fault is brought about. A strike returns once its fault is over, and says what it did."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.chaos.parameters import Fault
from tests.chaos.world.admin import Admin
from tests.chaos.world.cluster import Cluster
from tests.chaos.world.feeder import Feeder
from tests.chaos.world.program import Program
from tests.servers.process import ServerError
from tests.waiting import eventually

#: Longest time that a stopped server stays away, in seconds.
LONGEST_OUTAGE = 2.0
#: How long the broker hangs in a stall, in seconds: that kills consumer threads of Dramatiq's own broker.
STALL_SECONDS = 13.0
#: How long a host may take to have workers again, in seconds; it takes two.
BOOT_SECONDS = 60.0
#: How long a kill waits for the pool to have recovered from those before, in seconds.
POOL_SECONDS = 6.0
#: How long a strike looks for a worker at work before it takes any, in seconds.
AIM_SECONDS = 0.3

_HOLDERS = "SELECT DISTINCT pid FROM workers JOIN tickets USING (worker_id) WHERE tickets.state = 'running'"
_CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'questline' AND random() < %s
"""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault that was brought about: when it began, when it was over, and whom it hit."""

    fault: Fault
    begun: float
    ended: float
    pids: tuple[int, ...] = ()
    #: Processes that took the place of those hit.
    successors: tuple[int, ...] = field(default=())


class Striker:
    """Brings about faults.

    Parameters:
      cluster: what is struck.
      feeder: keeps the cluster at work during a long strike.
      admin: issues verbs.
      draw: decides whom and how hard.
      stopping: set when the soak is to end early.
    """

    def __init__(
        self, cluster: Cluster, feeder: Feeder, admin: Admin, draw: random.Random, stopping: threading.Event
    ) -> None:
        self._cluster = cluster
        self._feeder = feeder
        self._admin = admin
        self._draw = draw
        self._stopping = stopping
        self._how: dict[Fault, Callable[[Fault], Strike]] = {
            Fault.KILL_CHILD: self._kill_child,
            Fault.KILL_SUPERVISOR: self._kill_supervisor,
            Fault.LOSE_HOST: self._lose_host,
            Fault.FREEZE: self._freeze,
            Fault.DEPLOY: self._deploy,
            Fault.FLUSH: self._flush,
            Fault.RESTART_BROKER: self._restart_broker,
            Fault.STALL_BROKER: self._stall_broker,
            Fault.STOP_POSTGRES_FAST: self._restart_postgres,
            Fault.STOP_POSTGRES_NOW: self._restart_postgres,
            Fault.CUT_POSTGRES: self._cut_postgres,
            Fault.KILL_SCHEDULER: self._kill_scheduler,
            Fault.VERB: self._verb,
        }

    def strike(self, fault: Fault) -> Strike:
        """Bring a fault about, and wait until it is over."""
        return self._how.get(fault, self._harm_network)(fault)

    def _wait(self, least: float, most: float) -> None:
        """Wait for a drawn time."""
        self._stopping.wait(self._draw.uniform(least, most))

    # Processes

    def _kill_child(self, fault: Fault) -> Strike:
        self._wait_for_pool()
        while True:
            pid = self._worker_at_work()
            begun = time.time()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return Strike(fault, begun, begun, (pid,))

    def _wait_for_pool(self) -> None:
        """Wait until all workers but one are up, or for so long: on a slow machine kills must not pile up."""
        wanted = self._cluster.parameters.hosts * self._cluster.parameters.processes - 1
        with suppress(AssertionError):
            eventually(lambda: self._cluster.workers_up() >= wanted, timeout=POOL_SECONDS, interval=0.1)

    def _worker_at_work(self) -> int:
        """Return a worker process, if there is one soon then one that holds a step."""
        until = time.monotonic() + AIM_SECONDS
        while time.monotonic() < until:
            holders = self._cluster.ask(lambda connection: {row[0] for row in connection.execute(_HOLDERS)}) or set()
            if aims := sorted(holders & set(self._cluster.children())):
                return self._draw.choice(aims)
        return self._draw.choice(eventually(self._cluster.children, timeout=BOOT_SECONDS, message="no workers"))

    def _kill_supervisor(self, fault: Fault) -> Strike:
        self._wait_for_pool()
        host = self._draw.choice(self._cluster.hosts)
        before = tuple(eventually(host.children, timeout=BOOT_SECONDS, message="no workers"))
        begun = time.time()
        host.kill()
        return Strike(fault, begun, begun, before, self._new_children(host, before))

    def _lose_host(self, fault: Fault) -> Strike:
        self._wait_for_pool()
        host = self._draw.choice(self._cluster.hosts)
        eventually(host.children, timeout=BOOT_SECONDS, message="no workers")
        begun = time.time()
        lost = tuple(host.kill_with_children())
        return Strike(fault, begun, begun, lost, self._new_children(host, lost))

    def _deploy(self, fault: Fault) -> Strike:
        self._wait_for_pool()
        before = tuple(self._cluster.children())
        self._feeder.volley()
        begun = time.time()
        for host in self._cluster.hosts:
            host.deploy()
        self._feeder.volley()
        successors = tuple(pid for host in self._cluster.hosts for pid in self._new_children(host, before))
        return Strike(fault, begun, time.time(), before, successors)

    def _new_children(self, host: Program, before: tuple[int, ...]) -> tuple[int, ...]:
        """Wait until a host has workers again, and return them."""
        found = lambda: tuple(pid for pid in host.children() if pid not in before)  # noqa: E731
        return eventually(found, timeout=BOOT_SECONDS, message="the host does not come back")

    def _freeze(self, fault: Fault) -> Strike:
        pid = self._worker_at_work()
        terms = self._cluster.parameters
        self._cluster.frozen.add(pid)
        begun = time.time()
        try:
            with _stopped(pid):
                self._wait(terms.takeover, terms.takeover + 2.0)
        finally:
            self._cluster.frozen.discard(pid)
        return Strike(fault, begun, time.time(), (pid,))

    def _kill_scheduler(self, fault: Fault) -> Strike:
        scheduler = self._draw.choice(self._cluster.schedulers)
        begun = time.time()
        return Strike(fault, begun, begun, (scheduler.kill(),))

    # Servers

    def _flush(self, fault: Fault) -> Strike:
        begun = time.time()
        self._cluster.valkey.flush()
        return Strike(fault, begun, time.time())

    def _restart_broker(self, fault: Fault) -> Strike:
        begun = time.time()
        self._cluster.valkey.stop()
        self._wait(0.0, LONGEST_OUTAGE)
        self._cluster.valkey.start()
        return Strike(fault, begun, time.time())

    def _stall_broker(self, fault: Fault) -> Strike:
        begun = time.time()
        self._cluster.valkey.pause()
        self._wait(STALL_SECONDS, STALL_SECONDS)
        self._cluster.valkey.resume()
        return Strike(fault, begun, time.time())

    def _restart_postgres(self, fault: Fault) -> Strike:
        begun = time.time()
        self._cluster.postgres.stop(immediate=fault is Fault.STOP_POSTGRES_NOW)
        self._wait(0.0, LONGEST_OUTAGE)
        try:
            self._cluster.postgres.start()
        except ServerError:  # the port or the shared memory of the one before was not free yet
            self._cluster.postgres.start()
        return Strike(fault, begun, time.time())

    def _cut_postgres(self, fault: Fault) -> Strike:
        share = self._draw.choice((0.3, 1.0))
        begun = time.time()
        self._cluster.ask(lambda connection: connection.execute(_CUT, (share,)))
        return Strike(fault, begun, time.time())

    # The network, and the admin

    def _harm_network(self, fault: Fault) -> Strike:
        _, where, how = fault.name.split("_")
        proxy = self._cluster.valkey_proxy if where == "BROKER" else self._cluster.postgres_proxy
        begun = time.time()
        try:
            if how == "CUT":
                proxy.refuse()
                proxy.cut()
                self._wait(0.0, 1.0)
            elif how == "SLOW":
                proxy.delay(self._draw.uniform(0.02, 0.15))
                self._wait(1.5, 3.0)
            elif how == "DEAF":
                proxy.swallow_replies()
                self._wait(0.1, 0.8)
            else:
                proxy.swallow_all()
                self._wait(1.0, 7.0)
        finally:
            proxy.heal()
        return Strike(fault, begun, time.time())

    def _verb(self, fault: Fault) -> Strike:
        begun = time.time()
        self._admin.act()
        return Strike(fault, begun, time.time())


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """Freeze a process for as long as the block lasts; a stranger that got its number meanwhile is not touched."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield
        return
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGSTOP)
        yield
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGCONT)
        os.close(handle)
