"""Hears by Redis that something moves in a namespace."""

from __future__ import annotations

from redis.client import PubSub

from questline_scheduler.doorbells.redis_errors import BROKER_ERRORS, unavailable
from questline_scheduler.doorbells.redis_link import RedisLink
from questline_scheduler.doorbells.watch import Watch


class RedisWatch(Watch):
    """Listens on the channel of a namespace, by a connection of its own.

    Parameters:
      link: the way to Redis, not yet connected.
      channel: where the queues of the namespace tell that something moves.
    """

    def __init__(self, link: RedisLink, channel: str) -> None:
        self._link = link
        self._channel = channel
        self._listening: PubSub | None = None

    def moved(self, seconds: float) -> bool:
        """Wait for the next word on the channel; to have begun to listen is one, since what came before is not heard.

        Parameters:
          seconds: the longest to wait.

        Raises:
          StoreUnavailable: Redis cannot be reached, or lets nobody listen.
        """
        try:
            listening = self._listening or self._begin()
            told = listening.get_message(timeout=seconds)
        except BROKER_ERRORS as error:
            self.close()
            raise unavailable(self._link.address, error) from error
        return told is not None

    def _begin(self) -> PubSub:
        listening: PubSub = self._link.client.pubsub()  # type: ignore[no-untyped-call]
        self._listening = listening
        listening.subscribe(self._channel)
        return listening

    def close(self) -> None:
        """Give the connection back."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()
