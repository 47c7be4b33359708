"""Rings doorbells after the rows are committed. A ring that fails is only late: the relay rings again."""

from __future__ import annotations

from collections.abc import Sequence

from questline_persistence.claims import Doorbell
from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.recovery import Recovery
from questline_scheduler.doorbell_broker import DoorbellBroker

log = get_logger(__name__)


class Ringer:
    """Rings for tickets that are ready now.

    Parameters:
      broker: where the workers listen.
      recovery: told of bells that the broker could not take.
    """

    def __init__(self, broker: DoorbellBroker, recovery: Recovery) -> None:
        self.broker = broker
        self._recovery = recovery

    def ring(self, bells: Sequence[Doorbell]) -> bool:
        """Ring `bells`; return whether the broker took them all."""
        if not bells:
            return True
        try:
            left = self.broker.ring(bells)
        except StoreUnavailable as error:
            # No row is written here: with the broker down, that would cost a transaction per step.
            log.warning("doorbell_failed", bells=len(bells), error=str(error))
            return False
        if left:
            self._recovery.ring_soon(left)
        return not left
