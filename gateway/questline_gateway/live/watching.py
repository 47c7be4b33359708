"""A thread that has a reader look whenever the broker says that something moves."""

from __future__ import annotations

import threading
from collections.abc import Callable

from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_scheduler.doorbells import Watch

#: Longest single wait for the broker's word, in seconds: a thread that is to end does so within it.
LISTEN_SECONDS = 0.5
#: Pause before a broker that could not be reached is asked again, in seconds.
RETRY_SECONDS = 1.0

log = get_logger(__name__)


class Watching:
    """Calls back for as long as it runs.

    Parameters:
      watch: what hears the broker.
      moved: what is called when something moves, from the thread.
      namespace: the tenant, for the log.
    """

    def __init__(self, watch: Watch, moved: Callable[[], object], namespace: str) -> None:
        self._watch = watch
        self._moved = moved
        self._namespace = namespace
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watching {namespace}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let the thread end soon, and call back no more."""
        self._over.set()

    def _run(self) -> None:
        deaf = False
        try:
            while not self._over.is_set():
                deaf = self._listen(deaf=deaf)
        finally:
            self._watch.close()

    def _listen(self, *, deaf: bool) -> bool:
        """Listen once; return whether the broker could not be reached, which is told when it begins."""
        try:
            moved = self._watch.moved(LISTEN_SECONDS)
        except StoreUnavailable as error:
            if not deaf:
                log.warning("live_broker_lost", namespace=self._namespace, error=str(error))
            self._over.wait(RETRY_SECONDS)
            return True
        if moved and not self._over.is_set():
            self._moved()
        return False
