"""Rings on a thread of its own, for those who must not wait for a broker that stalls."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from questline_persistence.claims import Doorbell
from questline_persistence.log import get_logger
from questline_scheduler.doorbells.ringer import Ringer

log = get_logger(__name__)

#: Most bells that wait to be rung; the relay rings for the others.
MAX_WAITING = 1_000


class BackgroundRinger:
    """Rings for tickets that are ready now, in the order in which it is asked, all that wait in one go.

    Parameters:
      ringer: rings, and may take as long as the broker lets it.
    """

    def __init__(self, ringer: Ringer) -> None:
        self._ringer = ringer
        self._changed = threading.Condition()
        self._waiting: list[Doorbell] = []
        self._ringing = False
        self._thread: threading.Thread | None = None

    def ring(self, bells: Sequence[Doorbell]) -> None:
        """Have `bells` rung soon; what comes when `MAX_WAITING` wait already is left to the relay."""
        if not bells:
            return
        with self._changed:
            self._waiting += bells[: MAX_WAITING - len(self._waiting)]
            if self._thread is None:
                thread = threading.Thread(target=self._follow, name="questline-ringer", daemon=True)
                thread.start()  # this may fail; then the next one tries again
                self._thread = thread
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until all is rung, at most so many seconds; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._ringing, seconds)

    def _follow(self) -> None:
        """Ring what comes, for as long as the process lives."""
        while True:
            with self._changed:
                self._ringing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                bells, self._waiting = self._waiting, []
                self._ringing = True
            try:
                self._ringer.ring(bells)
            except Exception:
                log.exception("ringing_failed", bells=len(bells))  # the thread must live; the relay rings for these
