"""One loop for all background services: start, stop, errors logged, never a busy wait."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

from questline_persistence.errors import QuestlineError
from questline_persistence.log import get_logger

log = get_logger(__name__)

#: Longest wait after a service has failed several times in a row, in seconds.
LONGEST_PAUSE = 5.0
#: How often that wait doubles at most: an outage of hours must not make a number too large for a float.
MAX_DOUBLINGS = 10
#: How long `stop` waits for a service to finish what it is doing, in seconds.
STOP_SECONDS = 10.0


class Service(Protocol):
    """What a loop runs: one bounded piece of work at a time, harmless beside its twins in other processes.

    Parameters:
      name: what the log calls it.
      interval: seconds between two runs; it may change from run to run.
    """

    name: str
    interval: float

    def run_once(self, *, now: float | None = None) -> Any:
        """Do what is due, and no more than a stop may wait for.

        Parameters:
          now: the time to go by, in epoch seconds; default: the database's clock.

        Returns:
          what was done; if it has an attribute `more` that is true, it is to be called again at once.
        """


class Loop:
    """Runs one service in a thread of its own, until stopped.

    What the service raises ends nothing: it is logged, and the waits grow until the service succeeds again.

    Parameters:
      service: what to run.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start running; starting twice is harmless."""
        with self._starting:
            if self.alive and not self._stopping.is_set():
                return
            # Each thread has an event of its own: one that outlasted `stop` must not be set going again.
            self._stopping = threading.Event()
            name = f"questline-{self.service.name}"
            self._thread = threading.Thread(target=self._run, args=(self._stopping,), name=name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for the run in progress, but no longer than for `STOP_SECONDS`; stopping twice is harmless."""
        with self._starting:
            self._stopping.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_SECONDS)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, stopping: threading.Event) -> None:
        """Run the service again and again, until this thread's event is set."""
        failures = 0
        while not stopping.is_set():
            pause = self.service.interval
            try:
                if getattr(self.service.run_once(), "more", False):
                    pause = 0.0
                failures = 0
            except Exception as error:
                failures += 1
                pause = min(pause * 2 ** min(failures, MAX_DOUBLINGS), LONGEST_PAUSE)
                log.warning(
                    "loop_failed",
                    loop=self.service.name,
                    error=error.advice if isinstance(error, QuestlineError) else str(error),
                    failures=failures,
                    # The words of our own errors say all that there is to know.
                    exc_info=failures == 1 and not isinstance(error, QuestlineError),
                )
            stopping.wait(pause)


class Loops:
    """Several loops, started and stopped together.

    Parameters:
      services: what to run, each in a loop of its own.
    """

    def __init__(self, services: Sequence[Service]) -> None:
        self._loops = [Loop(service) for service in services]

    def start(self) -> None:
        """Start every loop."""
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Stop every loop."""
        for loop in self._loops:
            loop.stop()
