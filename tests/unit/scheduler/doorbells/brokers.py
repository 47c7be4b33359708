"""A broker that can be down, full or forgetful, for tests of what rings."""

from collections.abc import Sequence

from questline_persistence.claims import Doorbell
from questline_persistence.errors import StoreUnavailable
from questline_scheduler.doorbells.memory_broker import MemoryBroker


class HandBroker(MemoryBroker):
    """Notes what is rung; a test says what it can take, like a server that others share."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.capacity: int | None = None
        self.forgot = False
        self.rung: list[str] = []
        #: The quests whose bells it has lost.
        self.lost: set[str] = set()
        self.requeued: list[str] = []
        self.asked = 0

    def ring(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        self._reach()
        taken = len(bells) if self.capacity is None else self.capacity
        self.rung += [bell.quest_id for bell in bells[:taken]]
        self.lost -= set(self.rung)
        return list(bells[taken:])

    @property
    def in_process(self) -> bool:
        return False

    def wanted(self, limit: int) -> int:
        return limit

    def probe(self) -> None:
        self._reach()

    def missing(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        self._reach()
        return [bell for bell in bells if bell.quest_id in self.lost]

    def recollects(self) -> bool:
        self._reach()
        return not self.forgot

    def remember(self) -> None:
        self._reach()
        self.forgot = False

    def requeue_dead(self, worker_ids: Sequence[str]) -> int:
        self._reach()
        self.requeued += worker_ids
        return 0

    def _reach(self) -> None:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("the broker is down")
