"""What a worker process tells its supervisor through a pipe of its own: what it has counted, a line a second.

The first line comes once its Lords are imported and it runs, so that the supervisor knows that, too.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from questline_scheduler.monitoring import Tally

#: Seconds between two reports.
REPORT_SECONDS = 1.0
#: How long a process that ends waits for its last report to be taken, in seconds.
LAST_SECONDS = 1.0
#: Most bytes that a supervisor reads of one process in one look; the rest has time until the next.
MAX_READ = 1_000_000


class Reporter:
    """The process's end of the pipe.

    Parameters:
      pipe: the descriptor into which it writes.
      tally: what the process counts.
    """

    def __init__(self, pipe: int, tally: Tally) -> None:
        self._pipe = pipe
        self._tally = tally
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="questline-reports", daemon=True)

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def stop(self) -> None:
        """Report a last time; a supervisor that takes nothing is not waited for long."""
        self._stopping.set()
        self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        with suppress(OSError):  # the supervisor has gone, and this process ends, too
            while not self._stopping.is_set():
                self._report()
                self._stopping.wait(REPORT_SECONDS)
            self._report()

    def _report(self) -> None:
        line = f"{self._tally.take()}\n".encode()
        while line:
            line = line[os.write(self._pipe, line) :]


class Reports:
    """The supervisor's end of the pipe. What a process could not finish writing when it died is lost.

    Parameters:
      pipe: the descriptor from which it reads.
    """

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._begun = b""
        #: Whether anything has come.
        self.heard: bool = False

    def pass_on(self, tally: Tally) -> None:
        """Add what has come since the last call to a tally."""
        read = b""
        with suppress(BlockingIOError):
            while len(read) < MAX_READ and (more := os.read(self._pipe, 65536)):
                read += more
        *lines, self._begun = (self._begun + read).split(b"\n")
        for line in lines:
            self.heard = True
            tally.add(line.decode())

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._pipe)
