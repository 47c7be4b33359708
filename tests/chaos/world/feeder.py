"""The producer: submits quests in volleys, so that whatever is struck next is at work."""

import queue
import threading

from questline_persistence.errors import QuestlineError
from tests.chaos.plan import QuestPlan
from tests.chaos.world.cluster import Cluster

#: How long the last volley may take to be accepted, in seconds.
LAST_SECONDS = 120.0


class Feeder:
    """Submits quests from a thread of its own, which waits when the store is away.

    Parameters:
      cluster: where to submit.
      strikes: how many volleys there will be; the quests are spread over them.
    """

    def __init__(self, cluster: Cluster, strikes: int) -> None:
        self._client = cluster.client
        self._parameters = cluster.parameters
        self._strikes = strikes
        self._orders: queue.Queue[list[QuestPlan]] = queue.Queue()
        self._ordering = threading.Lock()
        self._volleys = 0
        self._ordered = 0
        self._thread = threading.Thread(target=self._run, name="chaos-feeder", daemon=True)
        self._over = threading.Event()
        #: Quests that the store has acknowledged, in order.
        self.accepted: list[QuestPlan] = []
        #: What a producer should never have seen.
        self.errors: list[str] = []

    def start(self) -> None:
        """Start submitting what is ordered."""
        self._thread.start()

    def volley(self) -> None:
        """Have the next volley submitted; do not wait for it."""
        with self._ordering:
            self._volleys += 1
            share = min(1.0, self._volleys / self._strikes)
            self._order(round(self._parameters.quests * share))

    def finish(self) -> None:
        """Have all that is left submitted, and wait until it is."""
        with self._ordering:
            self._order(self._parameters.quests)
        self._over.set()
        self._thread.join(LAST_SECONDS)
        assert not self._thread.is_alive(), "the last quests were not accepted"

    def _order(self, until: int) -> None:
        plans = [QuestPlan(self._parameters.seed, number) for number in range(self._ordered, until)]
        self._ordered = max(self._ordered, until)
        if plans:
            self._orders.put(plans)

    def _run(self) -> None:
        while not self._over.is_set() or not self._orders.empty():
            try:
                plans = self._orders.get(timeout=0.1)
            except queue.Empty:
                continue
            self._submit(plans)

    def _submit(self, plans: list[QuestPlan]) -> None:
        """Submit a volley; a producer gets no error from any fault, since its client waits."""
        try:
            self._client.submit_many([plan.quest() for plan in plans])
        except QuestlineError as error:
            self.errors.append(f"submit_many of {plans[0].quest_id}…: {type(error).__name__}: {error}")
            return
        self.accepted += plans
