"""The alarm that somebody has to hear when a store keeps its processes waiting: down, cut off, or full.

A worker waits for its store for ever, so that no result is lost; without a word in the log it would look idle.
"""

from __future__ import annotations

import threading
import time

from questline_persistence.log import get_logger

log = get_logger(__name__)

#: A transaction that has waited this long is worth an alarm, in seconds; locks and restarts pass sooner.
FIRST_SECONDS = 5.0
#: A transaction that has waited this long says that the store was away for a while, in seconds.
LONG_SECONDS = 2.0
#: Seconds between two alarms of one process.
REPEAT_SECONDS = 5.0


class Alarm:
    """Warns that a store does not answer, for all threads of a process together.

    Parameters:
      store: the store's name for people, without its password.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._quiet_until = 0.0
        #: How often a transaction has met a passing error after so long.
        self.long_waits = 0

    def sound(self, reason: str, waited: float) -> None:
        """Warn that a transaction has waited for `waited` seconds, unless that is short or was said just now."""
        now = time.monotonic()
        with self._lock:
            self.long_waits += waited >= LONG_SECONDS
            if waited < FIRST_SECONDS or now < self._quiet_until:
                return
            self._quiet_until = now + REPEAT_SECONDS
        log.warning("store_unavailable", database=self._store, reason=reason, waited_seconds=round(waited, 1))
