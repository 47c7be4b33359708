"""The relay: rings for ready tickets that nobody has claimed, also after the broker has lost everything."""

from __future__ import annotations

from dataclasses import dataclass

from questline_persistence.claims import Doorbell
from questline_persistence.errors import StoreUnavailable
from questline_persistence.failpoints import failpoint
from questline_persistence.log import get_logger
from questline_persistence.recovery import MAX_REDISPATCH, Bells, Counter, Counters
from questline_scheduler.doorbells import DoorbellBroker
from questline_scheduler.loops.lost_bells import LostBells
from questline_scheduler.loops.shortlist import Shortlist

log = get_logger(__name__)

#: Seconds between two looks, where the workers' own rings reach them through a server, and where they do not.
INTERVAL_WITH_SERVER, INTERVAL_IN_PROCESS = 0.25, 0.05
#: Most quest ids that one log line names.
MAX_LOGGED = 10


@dataclass(frozen=True, slots=True)
class Relayed:
    """What one look did.

    Parameters:
      rung: how many bells it rang.
      more: whether there may be more to ring at once.
      broker_up: whether the broker took bells.
    """

    rung: int = 0
    more: bool = False
    broker_up: bool = True


class Relay:
    """Finds tickets whose last ring went unanswered and rings again.

    Parameters:
      bells: knows what is to be rung.
      counters: where rings for lost bells are counted.
      broker: where to ring.
    """

    name = "relay"

    def __init__(self, bells: Bells, counters: Counters, broker: DoorbellBroker) -> None:
        self._bells = bells
        self._counters = counters
        self._broker = broker
        self._shortlist = Shortlist(bells)
        self._lost_bells = LostBells(bells, broker)
        self._refused = False
        self.interval = INTERVAL_IN_PROCESS if broker.in_process else INTERVAL_WITH_SERVER

    def run_once(self, *, now: float | None = None) -> Relayed:
        """Ring for what is due, at most as much as the broker can use, and for what it has lost.

        A broker that fails raises nothing: what it was to ring stays due, and people are told once.

        Parameters:
          now: the time to go by, in epoch seconds; default: the database's clock.
        """
        try:
            if self._refused:  # each look would take tickets, and put them back
                self._broker.probe()
            self._recollect(now)
            self._refused = False
            lost = self._ring_lost(now)
        except StoreUnavailable as error:
            return self._refuse(error)
        if late := self._broker.withdraw():
            self._bells.ring_soon(late, now=now)
        limit = self._broker.wanted(MAX_REDISPATCH)
        bells = self._due(limit, now) if limit > 0 else []
        if not bells:
            return Relayed(lost, more=lost > 0)
        failpoint("relay.due")
        try:
            left = self._broker.ring(bells)
        except StoreUnavailable as error:
            self._bells.ring_soon(bells, now=now)
            return self._refuse(error)
        if left:
            self._bells.ring_soon(left, now=now)
        failpoint("relay.rung")
        return Relayed(lost + len(bells) - len(left), more=lost > 0 or (len(bells) == limit and not left))

    def _refuse(self, error: StoreUnavailable) -> Relayed:
        """Note that the broker takes no bells, and tell people once."""
        if not self._refused:
            log.warning("broker_unavailable", error=error.message, hint=error.hint)
        self._refused = True
        return Relayed(broker_up=False)

    def _due(self, limit: int, now: float | None) -> list[Doorbell]:
        """Return bells for what is due; within this process, only for queues that somebody here listens to."""
        if self._broker.in_process:
            return self._shortlist.due(limit=limit, queues=self._broker.get_declared_queues(), now=now)
        return self._bells.due(limit=limit, now=now)

    def _ring_lost(self, now: float | None) -> int:
        """Ring again for bells that the broker has lost, count them, and return how many those were."""
        lost = [] if self._broker.in_process else self._lost_bells.find(now=now)
        if lost:
            self._broker.ring(lost)
            log.info("redispatched", bells=len(lost), quest_ids=[bell.quest_id for bell in lost[:MAX_LOGGED]])
            self._counters.add(Counter.REDISPATCHED, len(lost))
        return len(lost)

    def _recollect(self, now: float | None) -> None:
        """Make every ready ticket due if the broker has forgotten what was rung."""
        if self._broker.recollects():
            return
        count = self._bells.ring_all(now=now)
        self._broker.remember()
        if count and not self._broker.in_process:  # a process's own memory is empty when it begins, which is no news
            log.warning("broker_forgot", ready_tickets=count)
            self._counters.add(Counter.REDISPATCHED, count)
