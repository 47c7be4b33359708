"""The sweeper: takes steps away from workers that are gone, or whose time is over, and offers them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from questline_persistence.clock import uptime
from questline_persistence.counters import Counter
from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.models import MAX_PRIORITY
from questline_persistence.recovery import Recovery, Swept
from questline_scheduler.doorbell_broker import DoorbellBroker
from questline_scheduler.ringer import Ringer

log = get_logger(__name__)

#: A pause between two sweeps longer than this, beyond the interval, means that the store was away, in seconds.
OUTAGE_SECONDS = 2.0
#: After an outage every lease looks over; the workers get this long to renew theirs, in seconds.
GRACE_SECONDS = 3.0


class Sweeper:
    """Frees dead claims.

    Parameters:
      recovery: the store's side.
      broker: where the freed steps are rung.
      interval: seconds between two sweeps.
      heard: whether the workers hear what is rung here; if not, the relays beside them find the freed steps.
    """

    name = "sweeper"

    def __init__(self, recovery: Recovery, broker: DoorbellBroker, interval: float, *, heard: bool = True) -> None:
        self.interval = interval
        self._recovery = recovery
        self._broker = broker
        self._ringer = Ringer(broker, recovery)
        self._heard = heard
        self._looked_at: float | None = None
        self._quiet_until = 0.0

    def run_once(self, *, now: float | None = None) -> Swept:
        """Sweep once, unless the store has only just come back; return what was found."""
        if now is None:
            now = self._recovery.database.clock.now()
            if self._after_outage():
                return Swept()
        return self.sweep(now=now)

    def _after_outage(self) -> bool:
        """Return whether the workers are still to be given time to renew their leases."""
        before, self._looked_at = self._looked_at, uptime()
        if before is not None and self._looked_at - before > self.interval + OUTAGE_SECONDS:
            self._quiet_until = self._looked_at + GRACE_SECONDS
            log.warning(
                "sweep_postponed", silent_seconds=round(self._looked_at - before, 1), grace_seconds=GRACE_SECONDS
            )
        return self._looked_at < self._quiet_until

    def sweep(self, *, workers_of: Sequence[str] | None = None, now: float | None = None) -> Swept:
        """Free what nobody alive holds, or what these lost workers held, and ring for it; return what was found."""
        swept = self._recovery.sweep(workers_of=workers_of, now=now)
        lost = swept.lost_workers if workers_of is None else tuple(workers_of)
        if lost:
            log.warning("workers_lost", worker_ids=lost, freed=swept.freed)
            # Only now: a message given back before its ticket is ready again would be fetched for nothing.
            self._requeue(lost)
        if self._heard:
            # Steps that were running go before those that wait for their turn.
            self._ringer.ring([replace(bell, priority=MAX_PRIORITY) for bell in swept.doorbells])
        elif swept.doorbells:
            self._recovery.ring_soon(list(swept.doorbells))
        self._recovery.counters.add(Counter.WORKERS_LOST, len(lost))
        self._recovery.counters.add(Counter.CLAIMS_FREED, swept.freed)
        return swept

    def _requeue(self, worker_ids: Sequence[str]) -> None:
        """Give back the messages that lost workers had fetched; if the broker is down, the relay rings later."""
        try:
            self._broker.requeue_dead(worker_ids)
        except StoreUnavailable as error:
            log.warning("requeue_failed", error=str(error))
