"""A look at something that may hang, for many who ask: one at a time, kept for a while, and never waited for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Fresh(Generic[T]):
    """Answers with what a look returned a moment ago, or looks again.

    Parameters:
      look: looks; it is called on a thread of its own, never twice at a time.
      keep: for how many seconds its answer is good.
      wait: how many seconds one who asks waits at most.
    """

    def __init__(self, look: Callable[[], T], *, keep: float, wait: float) -> None:
        self._look = look
        self._keep = keep
        self._wait = wait
        self._asking = threading.Lock()
        self._answer: Future[T] | None = None
        self._ended_at = 0.0

    def get(self) -> T:
        """Return the answer.

        Raises:
          TimeoutError: the look takes too long; it goes on, and those who ask later get its answer.
          Exception: what the look has raised.
        """
        with self._asking:
            answer = self._answer
            if answer is None or (answer.done() and time.monotonic() - self._ended_at >= self._keep):
                answer = self._answer = Future()
                thread = threading.Thread(target=self._run, args=(answer,), name="questline-look", daemon=True)
                thread.start()
        return answer.result(self._wait)

    def _run(self, answer: Future[T]) -> None:
        try:
            found = self._look()
        except Exception as error:  # noqa: BLE001  (whoever asks gets it)
            self._ended_at = time.monotonic()
            answer.set_exception(error)
        else:
            self._ended_at = time.monotonic()
            answer.set_result(found)
