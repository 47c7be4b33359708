"""The middleware that writes what steps say while they run: together, beside their checkpoints, and bounded."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import NamedTuple

import dramatiq
from dramatiq.middleware import Middleware

from questline_persistence.errors import QuestlineError, StoreUnavailable, summary_of
from questline_persistence.log import get_logger
from questline_persistence.step_log import LogLine, write_lines
from questline_persistence.store import Database
from questline_scheduler.loops import Loop

log = get_logger(__name__)

#: Seconds between two writes.
WRITE_SECONDS = 0.5
#: Most lines of one write.
MAX_AT_ONCE = 500
#: Most lines of a process that wait to be written, and most characters; there is room for no more while the store is
#: away.
MAX_WAITING, MAX_WAITING_SIZE = 10_000, 16_000_000


class _Written(NamedTuple):
    """What one run of the loop did: how many lines, and whether more wait."""

    lines: int
    more: bool


class StepLogs(Middleware):
    """Keeps the lines of a process's steps until they are written.

    No step waits for that. A store that is away or full makes lines wait, and then be left out; a process that is
    killed takes half a second of them along.

    Parameters:
      database: the store.
    """

    name = "step-log"
    interval = WRITE_SECONDS

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[LogLine] = deque()
        self._size = 0
        self._changing, self._writing = threading.Lock(), threading.Lock()
        self._loop = Loop(self)
        self._made_in = os.getpid()
        self._closed = False

    def put(self, line: LogLine) -> bool:
        """Take a line to be written; return whether there was room for it."""
        with self._changing:
            full = len(self._waiting) >= MAX_WAITING or self._size + line.size > MAX_WAITING_SIZE
            if full or self._closed or os.getpid() != self._made_in:
                return False
            self._waiting.append(line)
            self._size += line.size
            if not self._loop.alive:
                self._loop.start()
        return True

    @property
    def pending(self) -> bool:
        """Whether lines wait to be written."""
        return bool(self._waiting)

    def run_once(self, *, now: float | None = None) -> _Written:  # noqa: ARG002  (lines bring their own time)
        """Write the lines that have waited longest, at most `MAX_AT_ONCE`.

        Raises:
          StoreUnavailable: the store did not answer; the lines wait on.
        """
        with self._writing:
            lines = self._take()
            try:
                if lines:
                    write_lines(self._database, lines)
            except StoreUnavailable:
                self._put_back(lines)
                raise
            except Exception as error:  # noqa: BLE001  (these lines must not be in the way of all others for ever)
                told = error.advice if isinstance(error, QuestlineError) else summary_of(error)
                log.warning("log_lines_lost", lines=len(lines), error=told)
            return _Written(len(lines), len(self._waiting) >= MAX_AT_ONCE)

    def flush(self) -> None:
        """Write all that waits; what cannot be written now waits on, and nothing is raised."""
        try:
            while self.pending:
                self.run_once()
        except StoreUnavailable as error:
            log.warning("log_lines_wait", error=error.message)

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Write what is left, now that no step runs, and take no more."""
        with self._changing:
            self._closed = True
        self._loop.stop()
        self.flush()

    def _take(self) -> list[LogLine]:
        with self._changing:
            taken = [self._waiting.popleft() for _ in range(min(MAX_AT_ONCE, len(self._waiting)))]
            self._size -= sum(line.size for line in taken)
        return taken

    def _put_back(self, lines: list[LogLine]) -> None:
        with self._changing:
            self._waiting.extendleft(reversed(lines))
            self._size += sum(line.size for line in lines)
