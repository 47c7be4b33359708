"""The middleware that lets a worker process host the background loops."""

from __future__ import annotations

import dramatiq
from dramatiq.middleware import Middleware

from questline_scheduler.loops import Loops


class BackgroundLoops(Middleware):
    """Runs loops for as long as the worker runs.

    Parameters:
      loops: the loops, yet to be started.
    """

    def __init__(self, loops: Loops) -> None:
        self._loops = loops

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Start the loops."""
        self._loops.start()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Stop the loops."""
        self._loops.stop()
