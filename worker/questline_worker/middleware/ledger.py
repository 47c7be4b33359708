"""The middleware that notes what steps spend, and keeps what cannot be noted at once."""

from __future__ import annotations

import os
import threading

import dramatiq
from dramatiq.middleware import Middleware

from questline_persistence.costs import Spending, Spent
from questline_persistence.dialects import Overtime
from questline_persistence.errors import QuestlineError, StoreUnavailable, summary_of
from questline_persistence.log import get_logger
from questline_persistence.store import Database
from questline_scheduler.loops import Loop
from questline_scheduler.monitoring import COST_TOKENS, COST_USD, Tally
from questline_worker.steps import ids_of

log = get_logger(__name__)

#: Seconds between two tries to note what could not be noted at once.
TRY_SECONDS = 1.0
#: Most attempts whose spending waits to be noted.
MAX_WAITING = 1_000


class Ledger(Middleware):
    """Notes what an attempt has spent before its end is written, so that a budget holds before the next step begins.

    A store that does not take it at once holds no step up: it is noted later, and the budget holds one step later.

    Parameters:
      database: the store.
      namespace: the tenant.
      tally: where it counts for the metrics, or None.
    """

    name = "costs"
    interval = TRY_SECONDS

    def __init__(self, database: Database, namespace: str, tally: Tally | None = None) -> None:
        self._tally = tally
        self._spending = Spending(database, namespace)
        self._waiting: dict[str, Spent] = {}
        self._changing = threading.Lock()
        self._loop = Loop(self)
        self._made_in = os.getpid()

    def note(self, spent: Spent) -> None:
        """Note what an attempt has spent; nothing is raised."""
        if self._tally is not None:
            _count(self._tally, spent)
        if self._noted(spent):
            return
        with self._changing:
            if len(self._waiting) >= MAX_WAITING:
                log.warning("cost_lost", **ids_of(spent.claim), waiting=MAX_WAITING)
                return
            self._waiting[spent.claim.claim_id] = spent
        if os.getpid() == self._made_in:
            self._loop.start()

    def run_once(self, *, now: float | None = None) -> int:  # noqa: ARG002  (it is the database that knows the time)
        """Try again to note what waits; return how much does so still."""
        for spent in [*self._waiting.values()]:
            if not self._noted(spent):
                break
            self._waiting.pop(spent.claim.claim_id, None)
        return len(self._waiting)

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Try once more, now that no step runs."""
        self._loop.stop()
        if self._waiting and self.run_once():
            log.warning("costs_lost", attempts=len(self._waiting))

    def _noted(self, spent: Spent) -> bool:
        """Note what an attempt has spent; return False where that is to be tried again."""
        try:
            if self._spending.note(spent):
                log.info("budget_used_up", **ids_of(spent.claim), lord=spent.claim.lord_name)
        except (StoreUnavailable, Overtime):
            return False
        except Exception as error:  # noqa: BLE001  (a step must not fail for what it has cost)
            told = error.advice if isinstance(error, QuestlineError) else summary_of(error)
            log.warning("cost_refused", **ids_of(spent.claim), error=told)
        return True


def _count(tally: Tally, spent: Spent) -> None:
    """Count what an attempt has spent for the metrics."""
    lord, tool = spent.claim.lord_name, spent.claim.tool_name
    for cost in spent.by_model.values():
        tally.count(COST_USD, lord, tool, by=cost.usd)
        tally.count(COST_TOKENS, lord, tool, "input", by=cost.input_tokens)
        tally.count(COST_TOKENS, lord, tool, "output", by=cost.output_tokens)
