"""What questline asks of a consumer: to fetch for one queue no more than finds a thread, and to keep places free.

A place is a thread's: a message that came from the broker has one, and so has a step that is handed over here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from dramatiq import Consumer, Message, MessageProxy


class DoorbellConsumer(Consumer, ABC):
    """A consumer that has a message in hand for as many threads as there are, and knows when it has none for one."""

    @property
    @abstractmethod
    def in_hand(self) -> int:
        """How many messages were taken from here, or put into its places, and are not done."""

    @abstractmethod
    def look_again(self) -> None:
        """Find out whether there is a thread now: another consumer's message is done."""

    @abstractmethod
    def reserve(self, *, own: bool) -> bool:
        """Take a thread's place for a message that did not come from here; False if there is none.

        Parameters:
          own: whether to take one in any case, be it one too many for a moment, since the caller's thread is about to
            be free; else a thread must be, and no message wait for it.
        """

    @abstractmethod
    def free(self) -> None:
        """Give such a place back."""

    @abstractmethod
    def retire(self) -> None:
        """Fetch nothing more: the threads are about to end."""


class HandedMessage(MessageProxy):
    """A message that no consumer has fetched, in a reserved place.

    Parameters:
      message: the message.
      free: gives the place back.
    """

    def __init__(self, message: Message[Any], free: Callable[[], None]) -> None:
        super().__init__(message)
        self.free = free
