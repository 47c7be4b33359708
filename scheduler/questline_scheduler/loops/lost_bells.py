"""Finds bells that the broker was given and no longer has, as when it evicts keys for want of memory.

A broker that forgets everything says so by its generation. One that loses some keys does not know: so it is asked, page
by page, for the bells of steps that are ready and were rung.
"""

from __future__ import annotations

import time

from questline_persistence.claims import Doorbell
from questline_persistence.recovery import Bells, RungBell
from questline_scheduler.doorbells import DoorbellBroker, bell_id

#: Most bells that the broker is asked for in one look, and seconds after a look that found nothing, or the last page.
PAGE, REST_SECONDS = 500, 1.0


class LostBells:
    """Goes through all that should wait in the broker, over and over: a page a second, or at once where bells are lost.

    Parameters:
      bells: knows what was rung.
      broker: should have it.
    """

    def __init__(self, bells: Bells, broker: DoorbellBroker) -> None:
        self._bells = bells
        self._broker = broker
        self._seen: RungBell | None = None
        self._rests_until = 0.0

    def find(self, *, now: float | None = None) -> list[Doorbell]:
        """Return the lost bells of one page; nothing between two looks.

        Raises:
          StoreUnavailable: the broker cannot be reached.
        """
        if time.monotonic() < self._rests_until:
            return []
        page = self._bells.rung(after=self._seen, limit=PAGE, now=now)
        self._seen = page[-1] if len(page) == PAGE else None
        lost = self._broker.missing([rung.bell for rung in page]) if page else []
        # Asked once more: what was fetched, run and acknowledged since the page was read is not lost.
        still = {bell_id(bell) for bell in self._bells.still_ready(lost)} if lost else set()
        found = [bell for bell in lost if bell_id(bell) in still]
        # After the last page in any case: a broker that is full evicts what is rung again, and that without end.
        if not found or self._seen is None:
            self._rests_until = time.monotonic() + REST_SECONDS
        return found
