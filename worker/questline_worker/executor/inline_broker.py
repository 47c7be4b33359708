"""A broker for a process that runs its own quests: bells wait in a list until their quest is driven on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from questline_persistence.claims import Doorbell
from questline_persistence.errors import ConfigurationError
from questline_scheduler.doorbells import DoorbellBroker, DoorbellConsumer


class InlineBroker(DoorbellBroker):
    """Keeps the newest bell of each quest that is driven here for whoever drives it."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[str, Doorbell] = {}
        self._drivers: dict[str, list[Callable[[], object]]] = {}
        self._changing = threading.Lock()

    @property
    def in_process(self) -> bool:
        """True: who drives a quest here alone hears of it."""
        return True

    @contextmanager
    def attended(self, quest_id: str, wake: Callable[[], object]) -> Iterator[None]:
        """Keep the bells of a quest for as long as the block lasts, and call `wake` at each."""
        with self._changing:
            self._drivers.setdefault(quest_id, []).append(wake)
        try:
            yield
        finally:
            with self._changing:
                self._drivers[quest_id].remove(wake)
                if not self._drivers[quest_id]:
                    del self._drivers[quest_id]
                    self._waiting.pop(quest_id, None)

    def take(self, quest_id: str) -> Doorbell | None:
        """Return the bell that was rung for a quest, once."""
        with self._changing:
            return self._waiting.pop(quest_id, None)

    def ring(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Keep the bells of the quests that are driven here."""
        with self._changing:
            driven = {bell.quest_id: bell for bell in bells if bell.quest_id in self._drivers}
            self._waiting.update(driven)
            wakes = [wake for quest_id in driven for wake in self._drivers[quest_id]]
        for wake in wakes:
            wake()
        return []

    def wanted(self, limit: int) -> int:
        """Return `limit`: no bell of a quest that is driven here is one too many."""
        return limit

    def recollects(self) -> bool:
        """Return that nothing needs to be rung again: a driver finds its quest's ticket by itself."""
        return True

    def remember(self) -> None:
        """Do nothing: there is nobody to be told."""

    def requeue_dead(self, worker_ids: Sequence[str]) -> int:  # noqa: ARG002  (the broker's signature)
        """Return that no worker has fetched anything."""
        return 0

    def probe(self) -> None:
        """Do nothing: there is room for each bell."""

    def ping(self) -> None:
        """Do nothing: the broker is this process."""

    def consume(
        self,
        queue_name: str,  # noqa: ARG002  (Dramatiq's signature)
        prefetch: int = 1,  # noqa: ARG002  (as above)
        timeout: int = 30_000,  # noqa: ARG002  (as above)
    ) -> DoorbellConsumer:
        """Refuse: quests here are driven, not consumed.

        Raises:
          ConfigurationError: always.
        """
        raise ConfigurationError("an in-process executor has no queue to consume", hint="run: questline worker")

    def join(self, queue_name: str, *, timeout: int | None = None) -> None:
        """Return at once: nothing is queued."""

    def flush(self, queue_name: str) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Forget every bell."""
        self.flush_all()

    def flush_all(self) -> None:
        """Forget every bell."""
        with self._changing:
            self._waiting.clear()

    def get_declared_delay_queues(self) -> set[str]:
        """Return that there are none."""
        return set()
