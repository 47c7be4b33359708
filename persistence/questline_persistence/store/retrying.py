"""Tries of a transaction: again for as long as the error passes by itself and the patience lasts."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from questline_persistence.dialects import Dialect, Meaning, Overtime, explained, meaning_of, reason_of
from questline_persistence.errors import PayloadError
from questline_persistence.payload import HALVES_HINT, shortened
from questline_persistence.store.alarm import Alarm

T = TypeVar("T")

#: First and longest wait between two tries of a transaction, in seconds.
RETRY_FIRST, RETRY_LONGEST = 0.02, 1.0


class Retrying:
    """Calls what uses a store until it succeeds or fails for good.

    Parameters:
      store: the store's name for people.
      dialect: knows what its errors mean.
      alarm: told of each wait.
    """

    def __init__(self, store: str, dialect: Dialect, alarm: Alarm) -> None:
        self._store = store
        self._dialect = dialect
        self._alarm = alarm
        self._stopping = threading.Event()

    def give_up(self) -> None:
        """Wait no longer from now on; the process is about to end."""
        self._stopping.set()

    def call(self, attempt: Callable[[], T], *, patience: float, tries: float = math.inf, limited: bool = False) -> T:
        """Call `attempt` until it succeeds, fails for good, or the patience is over.

        Parameters:
          attempt: one try, which begins anew each time.
          patience: for how long to try again, in seconds.
          tries: how often to try at most.
          limited: whether what took too long is told of at once.

        Raises:
          Overtime: it took too long, and `limited`.
          PayloadError: what is to be stored is a text that no store takes.
          QuestlineError: what the last error means to people.
        """
        began = time.monotonic()
        deadline = began + patience
        pause = RETRY_FIRST
        while True:
            try:
                return attempt()
            except UnicodeEncodeError as refused:
                message = f"the text {shortened(refused.object)} holds half of a surrogate pair"
                raise PayloadError(message, hint=HALVES_HINT) from None
            except SQLAlchemyError as raised:
                error = self._dialect.cause(raised)
                meaning = meaning_of(error, self._dialect)
                tries -= 1
                late = not tries or time.monotonic() + pause > deadline or self._stopping.is_set()
                if limited and Meaning.OF_STATEMENT in meaning and not self._stopping.is_set():
                    raise Overtime(reason_of(error), blocked=Meaning.LOCKED in meaning) from error
                if late or Meaning.PASSES not in meaning:
                    raise explained(error, self._store, meaning) from error
                self._alarm.sound(reason_of(error), time.monotonic() - began)
            self._stopping.wait(pause)
            pause = min(pause * 2, RETRY_LONGEST)
