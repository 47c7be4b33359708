"""A worker process, as its supervisor sees it: a program at the other end of a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True, eq=False)
class ChildProcess:
    """One place in the pool, and the process that fills it now.

    Parameters:
      process: the process.
      pipe: the end of its pipe into which orders are written.
      process_id: the name under which its workers register.
      short_lives: how many processes before it, in a row, did not come up in its place.
      started_at: when it was started, by the monotonic clock.
      retiring: whether it was asked to retire.
    """

    process: subprocess.Popen[bytes]
    pipe: int
    process_id: str
    short_lives: int = 0
    started_at: float = field(default_factory=time.monotonic)
    retiring: bool = False

    @classmethod
    def start(cls, process_id: str, short_lives: int) -> Self:
        """Start a process, which waits for its orders.

        It has a process group of its own, so that Ctrl-C at the terminal is no matter between the kernel and the
        programs that its handlers have started. `-P` keeps the modules of the working directory away until the Lords
        are imported.

        Raises:
          OSError: the system gives no more memory, descriptors or processes.
        """
        reader, writer = os.pipe()
        try:
            process = subprocess.Popen(  # noqa: S603  (our own command)
                [sys.executable, "-P", "-m", "questline_worker.child", str(reader)],
                stdin=subprocess.DEVNULL,
                pass_fds=(reader,),
                process_group=0,
            )
        except BaseException:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        return cls(process, writer, process_id, short_lives)

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
        """Close the pipe."""
        os.close(self.pipe)
