"""The lane for what took too long among others: tried one by one, a bounded number of times, while the others go on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from questline_persistence.dialects import Overtime

Entry = TypeVar("Entry")

#: How often an item is tried in the last lane, if it takes too long there; waiting for somebody's lock does not count.
MAX_TRIES = 3
#: Seconds without an item after which the lane's thread ends.
IDLE_SECONDS = 10.0


class SlowLane(Generic[Entry]):
    """Tries entries one by one, in a thread that lives for as long as there are any.

    Parameters:
      attempt: sees to one entry; raises `Overtime` where that takes too long.
      give_up: told of an entry that met another error, or that took too long too often.
      beyond: the lane for what takes too long in this one. Without one this is the last: an entry is tried again here,
        behind the others.
    """

    def __init__(
        self,
        attempt: Callable[[Entry], object],
        give_up: Callable[[Entry, BaseException], object],
        beyond: SlowLane[Entry] | None = None,
    ) -> None:
        self._attempt = attempt
        self._give_up = give_up
        self._beyond = beyond
        self._waiting: deque[tuple[Entry, int]] = deque()
        self._changed = threading.Condition()
        self._running = False

    def put(self, entries: Sequence[Entry]) -> None:
        """Take entries aside; give them up where the system has no thread for them."""
        with self._changed:
            try:
                self._start()
            except RuntimeError as raised:
                error = raised
            else:
                self._waiting.extend((entry, 1) for entry in entries)
                self._changed.notify()
                return
        for entry in entries:
            self._give_up(entry, error)

    def _start(self) -> None:
        if not self._running:
            threading.Thread(target=self._run, name="committer-slow", daemon=True).start()
            self._running = True

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            self._try(*taken)

    def _next(self) -> tuple[Entry, int] | None:
        """Return the next entry and which try it is; None when there has been none for long, and the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, IDLE_SECONDS)
            if not self._waiting:
                self._running = False
                return None
            return self._waiting.popleft()

    def _try(self, entry: Entry, number: int) -> None:
        try:
            self._attempt(entry)
        except Overtime as error:
            if self._beyond is not None:
                self._beyond.put([entry])
            elif number < MAX_TRIES or error.blocked:  # behind the others, which may be quick
                self._waiting.append((entry, number if error.blocked else number + 1))
            else:
                self._give_up(entry, error)
        except BaseException as error:  # noqa: BLE001  (it is told to whoever waits)
            self._give_up(entry, error)
