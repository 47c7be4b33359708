"""The sweeper: takes steps away from workers that are gone, or whose time is over, and offers them again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from questline_persistence.clock import uptime
from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.models import MAX_PRIORITY
from questline_persistence.recovery import Counter, Counters, Sweep, Swept
from questline_persistence.states import ExecutionStatus
from questline_scheduler.doorbells import Ringer
from questline_scheduler.monitoring import OTHER, QUESTS, RECOVERED, Tally

log = get_logger(__name__)

#: When the store has not answered for longer than this, beyond the interval, it was away, in seconds.
OUTAGE_SECONDS = 2.0
#: After an outage every lease looks over; the workers get this long to renew theirs, in seconds.
GRACE_SECONDS = 3.0
#: A sweep that takes longer than this goes on in the next run, in seconds: a loop that is to stop must hear of it.
LONGEST_RUN = 3.0


class Sweeper:
    """Frees dead claims.

    Parameters:
      sweep: finds and frees them.
      ringer: rings for the freed steps.
      counters: where what was found is counted.
      interval: seconds between two sweeps.
      tally: where this process counts for its metrics, or None.
    """

    name = "sweeper"

    def __init__(
        self, sweep: Sweep, ringer: Ringer, counters: Counters, interval: float, tally: Tally | None = None
    ) -> None:
        self.interval = interval
        self._sweep = sweep
        self._ringer = ringer
        self._broker = ringer.broker
        self._counters = counters
        self._tally = tally
        self._silent_since: float | None = None
        self._quiet_until = 0.0

    def run_once(self, *, now: float | None = None) -> Swept:
        """Sweep once, unless the store has only just come back.

        Parameters:
          now: the time of the sweep, in epoch seconds; None asks the database, and spares workers after an outage.

        Returns:
          What was found; `more` asks to be called again at once.

        Raises:
          StoreUnavailable: the store did not answer.
        """
        if now is not None:
            return self.sweep(now=now)
        now = self._sweep.database.clock.now()
        over = self._sweep.lease_over(now)
        self._note_answer()
        if uptime() < self._quiet_until:
            return Swept()
        lost = self._sweep.declare_lost(now) if over else ()
        return self._free(lost, None, now, until=uptime() + LONGEST_RUN)

    def sweep(self, *, workers_of: Sequence[str] | None = None, now: float | None = None) -> Swept:
        """Free what nobody alive holds, or what these lost workers held, and ring for it.

        Parameters:
          workers_of: workers that are known to be lost; None looks for lost ones itself.
          now: the time of the sweep, in epoch seconds; None asks the database.

        Returns:
          What was found.

        Raises:
          StoreUnavailable: the store did not answer.
        """
        now = self._sweep.database.clock.now() if now is None else now
        lost = self._sweep.declare_lost(now) if workers_of is None else tuple(workers_of)
        return self._free(lost, workers_of, now)

    def _note_answer(self) -> None:
        """Note that the store has answered; if it had not for long, no worker could renew its lease."""
        before, self._silent_since = self._silent_since, uptime()
        if before is not None and self._silent_since - before > self.interval + OUTAGE_SECONDS:
            self._quiet_until = self._silent_since + GRACE_SECONDS
            silence = round(self._silent_since - before, 1)
            log.warning("sweep_postponed", silent_seconds=silence, grace_seconds=GRACE_SECONDS)

    def _free(
        self, lost: tuple[str, ...], workers_of: Sequence[str] | None, now: float, until: float = math.inf
    ) -> Swept:
        """Free claims batch by batch, and ring for each batch; then tell of it all."""
        self._silent_since, waits = uptime(), self._sweep.database.long_waits
        swept = Swept(lost)
        for part in self._sweep.free_dead(now, workers_of=workers_of):
            # Steps that were running go before those that wait for their turn.
            self._ringer.ring([replace(bell, priority=MAX_PRIORITY) for bell in part.doorbells])
            bells = (*swept.doorbells, *part.doorbells)
            swept = Swept(lost, swept.freed + part.freed, swept.failed + part.failed, bells)
            if uptime() >= until:
                swept = replace(swept, more=True)
                break
        self._tell(swept)
        if self._sweep.database.long_waits == waits:  # what this loop does itself is no silence of the store
            self._silent_since = uptime()
        return swept

    def _tell(self, swept: Swept) -> None:
        """Give back what lost workers had fetched, log and count."""
        if swept.lost_workers:
            log.warning("workers_lost", worker_ids=swept.lost_workers, freed=swept.freed)
            # Only now: a message given back before its ticket is ready again would be fetched for nothing.
            self._requeue(swept.lost_workers)
        self._counters.add(Counter.WORKERS_LOST, len(swept.lost_workers))
        self._counters.add(Counter.CLAIMS_FREED, swept.freed)
        if self._tally is not None:
            self._tally.count(RECOVERED, by=swept.freed)
            self._tally.count(QUESTS, OTHER, ExecutionStatus.FAILED.value, by=swept.failed)

    def _requeue(self, worker_ids: Sequence[str]) -> None:
        """Give back the messages that lost workers had fetched; if the broker is down, the relay rings later."""
        try:
            self._broker.requeue_dead(worker_ids)
        except StoreUnavailable as error:
            log.warning("requeue_failed", error=str(error))
