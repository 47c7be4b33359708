"""The middleware that ends a process whose threads have died while it seemed to live; its supervisor replaces it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import dramatiq
from dramatiq.middleware import Middleware

from questline_persistence.log import get_logger
from questline_scheduler.loops import Loop
from questline_worker.steps import AsyncSteps, RunningSteps

log = get_logger(__name__)

#: Exit code of a process that the watchdog ended (EX_SOFTWARE of sysexits.h).
EXIT_BROKEN = 70
#: A handler that goes on this long after its step was lost is stuck, in seconds; and this long, for good.
STUCK_SECONDS, LONG_STUCK_SECONDS = 5.0, 60.0


class Watchdog(Middleware):
    """Looks once a second whether every thread that should run does, and does something that counts.

    A handler that does not return cannot be stopped. Its step is given to another worker, but it keeps its thread;
    when such handlers keep every thread, or half of them for a minute, the process is replaced. So it is when async
    ones that went on although they were cancelled have been half of `max_async` for a minute, or one has kept the event
    loop; and when they have left a hundred blocking calls behind that hang.

    Parameters:
      running: the steps that run here.
      end: ends the process at once; replaced in tests.
      stop: has the process end in good order; replaced in tests.
      async_steps: the async ones of them, or None.
    """

    name = "watchdog"
    interval = 1.0

    def __init__(
        self,
        running: RunningSteps,
        end: Callable[[int], object] = os._exit,
        stop: Callable[[], object] | None = None,
        async_steps: AsyncSteps | None = None,
    ) -> None:
        self._running = running
        self._end = end
        self._stop = stop or _stop_this_process
        self._async_steps = async_steps
        self._worker: dramatiq.Worker | None = None
        self._loop = Loop(self)

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Start watching."""
        self._worker = worker
        self._loop.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Stop watching: from now on threads end because they should."""
        self._loop.stop()

    def run_once(self, *, now: float | None = None) -> list[str]:  # noqa: ARG002  (it goes by no clock)
        """End the process if a consumer or worker thread is dead; return their names."""
        worker = self._worker
        if worker is None:
            return []
        threads = [*worker.consumers.values(), *worker.workers]
        dead = [f"{type(thread).__name__} {thread.name}" for thread in threads if not thread.is_alive()]
        if dead:
            log.critical("threads_died", threads=dead)
            self._end(EXIT_BROKEN)
        self._replace_if_stuck(worker.worker_threads)
        return dead

    def _replace_if_stuck(self, threads: int) -> None:
        """End the process if handlers whose steps are long lost keep its threads."""
        now = time.monotonic()
        silences = [now - step.lost_at for step in self._running.all() if step.lost and not step.settling]
        if sum(silence > STUCK_SECONDS for silence in silences) >= threads:
            log.critical("threads_stuck", stuck=len(silences), threads=threads)
            self._end(EXIT_BROKEN)
        elif 2 * sum(silence > LONG_STUCK_SECONDS for silence in silences) >= threads:
            log.error("threads_stuck", stuck=len(silences), threads=threads)
            self._replace()
        elif self._async_steps is not None and self._async_steps.stuck(LONG_STUCK_SECONDS):
            log.error("event_loop_stuck", max_async=self._async_steps.limit)
            self._replace()

    def _replace(self) -> None:
        """End the process in good order, so that its supervisor starts another."""
        self._loop.stop()
        self._stop()


def _stop_this_process() -> None:
    # To the process, not to this thread: it is the main one that runs Python's handlers.
    os.kill(os.getpid(), signal.SIGTERM)
