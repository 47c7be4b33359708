"""The middleware that ends a process whose threads have died while it seemed to live; its supervisor replaces it."""

from __future__ import annotations

import os
from collections.abc import Callable

import dramatiq
from dramatiq.middleware import Middleware

from questline_persistence.log import get_logger
from questline_scheduler.loops import Loop

log = get_logger(__name__)

#: Exit code of a process that the watchdog ended (EX_SOFTWARE of sysexits.h).
EXIT_BROKEN = 70


class Watchdog(Middleware):
    """Looks once a second whether every thread that should run does.

    Parameters:
      end: ends the process; replaced in tests.
    """

    name = "watchdog"
    interval = 1.0

    def __init__(self, end: Callable[[int], object] = os._exit) -> None:
        self._end = end
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
        return dead
