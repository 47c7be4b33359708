"""A broker for a process that runs its own quests: bells wait in a list until their quest is driven on."""

from __future__ import annotations

from collections.abc import Sequence

from dramatiq.broker import Consumer

from questline_persistence.claims import Doorbell
from questline_persistence.errors import ConfigurationError
from questline_scheduler.doorbell_broker import DoorbellBroker


class InlineBroker(DoorbellBroker):
    """Keeps the newest bell of each quest for whoever drives that quest."""

    def __init__(self) -> None:
        super().__init__()
        self._bells: dict[str, Doorbell] = {}

    def take(self, quest_id: str) -> Doorbell | None:
        """Return the bell that was rung for a quest, once."""
        return self._bells.pop(quest_id, None)

    def ring(self, bells: Sequence[Doorbell]) -> list[Doorbell]:
        """Keep the bells."""
        self._bells.update({bell.quest_id: bell for bell in bells})
        return []

    def room(self) -> int | None:
        """Return that there is always room."""
        return None

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
    ) -> Consumer:
        """Refuse: quests here are driven, not consumed.

        Raises:
          ConfigurationError: always.
        """
        raise ConfigurationError("an in-process executor has no queue to consume", hint="run: questline worker")

    def join(self, queue_name: str, *, timeout: int | None = None) -> None:
        """Return at once: nothing is queued."""

    def flush(self, queue_name: str) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Forget every bell."""
        self._bells.clear()

    def flush_all(self) -> None:
        """Forget every bell."""
        self._bells.clear()

    def get_declared_delay_queues(self) -> set[str]:
        """Return that there are none."""
        return set()
