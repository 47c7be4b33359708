"""The supervisor: keeps N worker processes running, and has a dead one's steps running again at once."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from types import FrameType

from questline_persistence.errors import ConfigurationError, StoreUnavailable
from questline_persistence.ids import new_claim_id
from questline_persistence.log import get_logger
from questline_persistence.recovery import Register
from questline_persistence.secret_files import renewed
from questline_persistence.settings import Settings
from questline_persistence.store import open_database
from questline_scheduler.doorbells import open_broker
from questline_scheduler.loops import make_loops, make_sweeper
from questline_scheduler.monitoring import Probes, Tally, open_health_server, probes_of
from questline_scheduler.stopping import RELEASE_SECONDS
from questline_worker.child_process import ChildProcess
from questline_worker.code_watch import CodeWatch
from questline_worker.orders import EXIT_MISCONFIGURED, Orders

log = get_logger(__name__)

#: Seconds between two looks at the children.
LOOK_SECONDS = 0.02
#: A child that lived shorter than this did not come up, and its successor waits.
SHORT_LIFE_SECONDS = 2.0
#: The wait that doubles with each short life, how often it does, and the longest that a successor waits, in seconds.
FIRST_WAIT, MAX_DOUBLINGS, LONGEST_WAIT = 0.25, 10, 10.0
#: Longest wait for the successor of a child that had registered, in seconds: it was a step that ended its short life.
LONGEST_WAIT_AFTER_UP = 1.0
#: Seconds after the time for shutting down at which a child is killed.
KILL_SECONDS = RELEASE_SECONDS + 5.0
#: Seconds without a look at the children after which this process counts as hanging.
HANGING_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class _Successor:
    """One place in the pool that is empty for now.

    Parameters:
      due: when it is to be filled, by the monotonic clock.
      short_lives: how many processes in a row did not come up there.
    """

    due: float
    short_lives: int

    def hasten(self) -> None:
        """Wait no longer than after a child that came up; from any thread."""
        self.due = min(self.due, time.monotonic() + LONGEST_WAIT_AFTER_UP)
        self.short_lives = 1


class Supervisor:
    """Runs a pool of worker processes in the foreground.

    A child that dies is replaced at once, one that does not come up ever more slowly; the steps that a dead one ran are
    offered again without waiting for its lease to end. No child outlives the supervisor: all stop when its pipes close.

    Parameters:
      settings: the settings for all of them.
      modules: the modules that register Lords.
      loops: whether this process hosts the background loops; without it, lost work waits for another's.
      say: tells whoever pressed Ctrl-C what happens now.
      development: whether children listen to every queue that their Lords name, and tell of every step.
      watch: tells of new code, which is run as soon as running steps have ended; None to keep the code as it was.
    """

    def __init__(
        self,
        settings: Settings,
        modules: Sequence[str],
        *,
        loops: bool = True,
        say: Callable[[str], object] = log.info,
        development: bool = False,
        watch: CodeWatch | None = None,
    ) -> None:
        self.settings = settings
        self._modules = list(modules)
        self._stopping = False
        self._interrupts = 0
        self._say = say
        self._development = development
        self._watch = watch
        self._children: list[ChildProcess] = []
        self._successors: list[_Successor] = []
        # The supervisor never waits long for the store: a child that dies meanwhile must be replaced all the same.
        self._database = open_database(chosen=settings, patience=2.0)
        self._broker = open_broker(settings.broker_url, namespace=settings.namespace)
        self._in_process = self._broker.in_process
        self._register = Register(self._database, settings.namespace)
        self._tally = Tally()
        self._counts = settings.health_port is not None
        self._looked_at = time.monotonic()
        self._sweeper = make_sweeper(
            self._database, self._broker, settings, heard=not self._in_process, tally=self._tally
        )
        # Doorbells that live in a process's memory can only be rung there: then each child hosts the loops.
        own = loops and not self._in_process
        self._loops = make_loops(self._database, self._broker, settings, tally=self._tally) if own else None

    def run(self) -> int:
        """Keep the pool running until SIGTERM or SIGINT, which it handles from now on; call it in the main thread.

        Returns:
          the exit code: 0, however the children ended.

        Raises:
          ConfigurationError: it cannot listen to the port on which it is to answer probes.
        """
        health = open_health_server(self.settings, self._probes)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for _ in range(self.settings.worker_processes):
            self._start()
        if self._loops is not None:
            self._loops.start()
        if self._watch is not None:
            self._watch.start()
        with nullcontext() if health is None else health:
            while not self._stopping:
                self._looked_at = time.monotonic()
                self._replace_dead()
                self._renew()
                self._hear()
                time.sleep(LOOK_SECONDS)
            return self._shut_down()

    def _probes(self) -> Probes:
        """Return what answers those who watch the pool."""
        return probes_of(
            self.settings,
            self._database,
            self._broker,
            self._tally,
            alive=lambda: time.monotonic() - self._looked_at < HANGING_SECONDS,
            besides={"workers": self._refuse_empty},
        )

    def _refuse_empty(self) -> None:
        """Raise ConfigurationError unless a process runs that has imported its Lords."""
        if not any(child.reports.heard for child in [*self._children]):
            hint = "while this lasts, the log tells why they end"
            raise ConfigurationError("no worker process has imported its Lords yet", hint=hint)

    def _hear(self) -> None:
        """Add up what the children have counted, if somebody may ask for it."""
        if self._counts:
            for child in self._children:
                child.reports.pass_on(self._tally)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Note that the pool is to stop.

        SIGTERM may come twice by accident: `timeout` and container runtimes send it to a process and to its group. So
        it never shortens the time that steps have; whoever cannot wait sends SIGKILL, or presses Ctrl-C twice.
        """
        self._stopping = True
        self._interrupts += number == signal.SIGINT

    def _start(self, short_lives: int = 0) -> None:
        """Start a process in a place where so many, one after the other, did not come up."""
        settings = self.settings.model_dump(mode="json") | {
            "database_url": renewed(self.settings.database_url),
            "profile": "",  # its values are all here, and its file may be gone by now
        }
        orders = Orders(
            settings, self._modules, self._in_process, new_claim_id(), self._development, reports=self._counts
        )
        try:
            child = ChildProcess.start(orders.process_id, short_lives)
        except OSError as error:  # no memory or no process left: those that run go on
            log.error("worker_process_not_started", error=str(error))  # noqa: TRY400  (the words tell it all)
            self._successors.append(_Successor(time.monotonic() + LONGEST_WAIT, short_lives))
            return
        self._children.append(child)
        child.tell(orders.line())
        log.info("worker_process_started", pid=child.process.pid, process_id=child.process_id)

    def _replace_dead(self) -> None:
        """Start the successors that are due, and see to children that have died."""
        now = time.monotonic()
        due = [successor for successor in self._successors if successor.due <= now]
        self._successors = [successor for successor in self._successors if successor not in due]
        for successor in due:
            self._start(successor.short_lives)
        for child in [child for child in self._children if child.ended]:
            self._bury(child)

    def _renew(self) -> None:
        """Have children retire whose code has changed; successors that could not start with the code before are due."""
        watch = self._watch
        if watch is None or not (changed := watch.take()):
            return
        log.info("code_changed", files=[path.name for path in changed])
        for child in self._children:
            child.retire()
        self._successors = [_Successor(0.0, 0) for _ in self._successors]
        # In a thread: an import may take long, or never end.
        threading.Thread(target=watch.import_anew, args=[self._modules], name="questline-import", daemon=True).start()

    def _bury(self, child: ChildProcess) -> None:
        """Have a dead child's steps offered again, and its place filled."""
        self._hear()
        self._children.remove(child)
        child.close()
        code = child.process.returncode
        if child.retiring and code == 0:
            self._start()
            return
        log.error("worker_process_died", pid=child.process.pid, process_id=child.process_id, exit_code=code)
        short_lives, wait = self._succession(child)
        successor = _Successor(time.monotonic() + wait, short_lives)
        if wait:
            self._successors.append(successor)
        else:
            self._start(short_lives)
        # In a thread: a store or broker that hangs must not keep the next dead child waiting.
        free = partial(self._free, child.process_id, successor)
        threading.Thread(target=free, name="questline-free", daemon=True).start()

    def _succession(self, child: ChildProcess) -> tuple[int, float]:
        """Return how many processes in a row did not come up in a dead child's place, and how long it stays empty."""
        misconfigured = child.process.returncode == EXIT_MISCONFIGURED
        if child.retiring:
            return 0, 0.0
        # A slow import may take longer than a short life and fail all the same.
        failed = misconfigured or time.monotonic() - child.started_at < SHORT_LIFE_SECONDS
        short_lives = child.short_lives + 1 if failed else 0
        if self._watch is not None and misconfigured:
            return short_lives, math.inf  # the next change may mend it, and nothing else
        wait = min(FIRST_WAIT * 2 ** min(short_lives, MAX_DOUBLINGS), LONGEST_WAIT) if short_lives > 1 else 0.0
        return short_lives, wait

    def _free(self, process_id: str, successor: _Successor | None = None) -> None:
        """Take a dead child's claims and fetched messages away from it now, rather than when its lease ends.

        Parameters:
          process_id: the child.
          successor: who takes its place, and does so soon if the child had come as far as to register.
        """
        try:
            dead = self._declared_dead(process_id)
            if dead and successor is not None:
                successor.hasten()
            self._sweeper.sweep(workers_of=dead)
        except Exception as error:  # noqa: BLE001  (no error of the store may end the pool; the lease runs out anyway)
            log.warning("recovery_delayed", process_id=process_id, error=str(error))

    def _declared_dead(self, process_id: str) -> list[str]:
        """Mark the workers of a dead process as lost, as soon as the store is there to do so; return their ids."""
        while True:
            try:
                return self._register.declare_dead(process_id)
            except StoreUnavailable:
                if self._stopping:
                    raise
                time.sleep(LOOK_SECONDS)  # the store has waited for two seconds already

    def _shut_down(self) -> int:
        """Stop the children: politely, then firmly, then for good; return the exit code."""
        for child in self._children:
            child.process.terminate()
        deadline = time.monotonic() + self.settings.shutdown_seconds + KILL_SECONDS
        told = 0
        while not all(child.ended for child in self._children):
            if time.monotonic() > deadline or 0 < told < self._interrupts:
                self._kill()
                break
            if self._interrupts and not told:  # whoever sends SIGTERM reads no terminal
                told = self._interrupts
                seconds = self.settings.shutdown_seconds
                self._say(f"Stopping: running steps have {seconds:g} s to end. Press Ctrl-C again to stop at once.")
            self._looked_at = time.monotonic()
            self._hear()
            time.sleep(LOOK_SECONDS)
        for child in self._children:
            child.close()
            if child.process.returncode:
                self._free(child.process_id)
        if self._loops is not None:
            self._loops.stop()
        self._broker.close()
        self._database.close()
        return 0

    def _kill(self) -> None:
        """End the children that have not ended by themselves."""
        for child in self._children:
            if not child.ended:
                log.warning("worker_process_killed", pid=child.process.pid)
                child.kill()
