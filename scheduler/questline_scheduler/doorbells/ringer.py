"""Rings doorbells after the rows are committed. A ring that fails is only late: the relay rings again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from questline_persistence.claims import Doorbell
from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.recovery import Bells
from questline_scheduler.doorbells.doorbell_broker import DoorbellBroker

log = get_logger(__name__)

#: Seconds between two log lines on the same trouble.
LOG_INTERVAL = 5.0


class Ringer:
    """Rings for tickets that are ready now.

    Parameters:
      broker: where the workers listen.
      bells: told of bells that the broker could not take.
      heard: whether the workers hear what is rung here. If not, as with a memory that is another process's, the relays
        beside them are to find the tickets.
    """

    def __init__(self, broker: DoorbellBroker, bells: Bells, *, heard: bool = True) -> None:
        self.broker = broker
        self.heard = heard
        self._bells = bells
        self._left_alone_until = self._quiet_until = 0.0

    def ring(self, bells: Sequence[Doorbell]) -> bool:
        """Ring `bells`, or leave them to the relays where nobody hears it here; return whether the broker took all.

        A broker that stalls, instead of refusing, is left alone for as long as it did: who rings has commits to make.
        """
        if not bells:
            return True
        if not self.heard:
            self._bells.ring_soon([*bells])
            return False
        began = time.monotonic()
        if began < self._left_alone_until:
            return False
        try:
            left = self.broker.ring(bells)
        except StoreUnavailable as error:
            now = time.monotonic()
            self._left_alone_until = max(self._left_alone_until, now + (now - began))
            # No row is written here: with the broker down, that would cost a transaction per step.
            if now >= self._quiet_until:
                self._quiet_until = now + LOG_INTERVAL
                log.warning("doorbell_failed", bells=len(bells), error=str(error))
            return False
        if left:
            self._bells.ring_soon(left)
        return not left
