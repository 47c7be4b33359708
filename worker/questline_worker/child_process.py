"""A worker process, as its supervisor sees it: a program at the other end of a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Self

from questline_worker.reports import Reports


@dataclass(slots=True, eq=False)
class ChildProcess:
    """One place in the pool, and the process that fills it now.

    Parameters:
      process: the process.
      pipe: the end of its pipe into which orders are written.
      reports: the end of its other pipe, through which it tells what it counts.
      process_id: the name under which its workers register.
      short_lives: how many processes before it, in a row, did not come up in its place.
      started_at: when it was started, by the monotonic clock.
      retiring: whether it was asked to retire.
    """

    process: subprocess.Popen[bytes]
    pipe: int
    reports: Reports
    process_id: str
    short_lives: int = 0
    started_at: float = field(default_factory=time.monotonic)
    retiring: bool = False

    @classmethod
    def start(cls, process_id: str, short_lives: int) -> Self:
        """Start a process, which waits for its orders, and has a pipe on which it may report.

        It has a process group of its own, so that Ctrl-C at the terminal is no matter between the kernel and the
        programs that its handlers have started. `-P` keeps the modules of the working directory away until the Lords
        are imported.

        Raises:
          OSError: the system gives no more memory, descriptors or processes.
        """
        with ExitStack() as theirs, ExitStack() as ours:
            reader, writer = os.pipe()
            theirs.callback(os.close, reader)
            ours.callback(os.close, writer)
            reports, reporter = os.pipe()
            ours.callback(os.close, reports)
            theirs.callback(os.close, reporter)
            process = subprocess.Popen(  # noqa: S603  (our own command)
                [sys.executable, "-P", "-m", "questline_worker.child", str(reader), str(reporter)],
                stdin=subprocess.DEVNULL,
                pass_fds=(reader, reporter),
                process_group=0,
            )
            ours.pop_all()  # from now on they are the process's that is returned
        return cls(process, writer, Reports(reports), process_id, short_lives)

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""
        return self.process.poll() is not None

    def tell(self, line: bytes) -> None:
        """Write a line into the pipe."""
        with suppress(BrokenPipeError):  # it has died; the next look finds it
            while line:
                line = line[os.write(self.pipe, line) :]

    def retire(self) -> None:
        """Ask the process to take no further step, and to end once none runs."""
        self.retiring = True
        self.tell(b"retire\n")

    def kill(self) -> None:
        """End the process on the spot."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Close the pipes."""
        os.close(self.pipe)
        self.reports.close()
