"""The middleware that ends a stopping process's wait for a store that is away."""

from __future__ import annotations

import threading

import dramatiq
from dramatiq.middleware import Middleware

from questline_persistence.store import Database
from questline_scheduler.stopping import RELEASE_SECONDS


class Patience(Middleware):
    """Lets a running process wait for its store for ever, and a stopping one only for so long.

    Parameters:
      database: the store.
      shutdown_seconds: time that running steps get to end.
    """

    def __init__(self, database: Database, shutdown_seconds: float) -> None:
        self._limit = threading.Timer(shutdown_seconds + RELEASE_SECONDS, database.give_up)
        self._limit.daemon = True

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Start counting."""
        self._limit.start()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Stop counting: all is given back."""
        self._limit.cancel()
