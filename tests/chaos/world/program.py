"""One program under test: started again whenever it ends, as systemd would, until it is told to stop."""

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.acceptance.recovery.projects import descendants, is_alive, is_ours
from tests.servers.process import ServerProcess


class Program:
    """A supervisor or a scheduler.

    Parameters:
      command: what to run.
      environment: what to add to its environment.
      log: where its output goes.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = ["/usr/bin/env", *(f"{name}={value}" for name, value in environment.items()), *command]
        self._log = log
        self._changing = threading.RLock()
        self._process: ServerProcess | None = None
        self._leaving: list[ServerProcess] = []
        self._seen: set[int] = set()
        self._wanted = False
        #: How often it ended although nobody told it to, for instance since the database was down at its start.
        self.restarts = 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        assert self._process is not None, "the program was never started"
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it, and have it started again from now on."""
        with self._changing:
            self._wanted = True
            self._process = ServerProcess(self._command, log=self._log)

    def tend(self) -> None:
        """Start it again if it ended, and remember its children, to be able to end them."""
        with self._changing:
            self._leaving = [process for process in self._leaving if process.running]
            if self.running:
                self._seen.update(descendants(self.pid))
            elif self._wanted:
                self.restarts += 1
                self.start()

    def children(self) -> list[int]:
        """Return the process ids of its living children."""
        with self._changing:
            return [pid for pid in descendants(self.pid) if is_alive(pid)] if self.running else []

    def kill(self) -> int:
        """Kill it, not its children; return its process id. It is tended soon."""
        with self._changing:
            pid = self.pid
            os.kill(pid, signal.SIGKILL)
            return pid

    def kill_with_children(self) -> list[int]:
        """Kill it and its children as a power cut would: none of them sees another die; return the children's ids."""
        with self._changing:
            os.kill(self.pid, signal.SIGSTOP)
            children = self.children()
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in (*children, self.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, number)
            return children

    def deploy(self) -> None:
        """Tell it to stop and start its successor beside it."""
        with self._changing:
            if self._process is not None and self._process.running:
                self._process.send(signal.SIGTERM)
                self._leaving.append(self._process)
            self.start()

    def tell_to_stop(self) -> None:
        """Ask it to stop, for good."""
        with self._changing:
            self._wanted = False
            for process in self._everything():
                self._seen.update(descendants(process.pid))
                with suppress(ProcessLookupError):
                    process.send(signal.SIGTERM)

    def stop(self) -> None:
        """Stop it for good, with all of its children. Idempotent."""
        self.tell_to_stop()
        for process in self._everything():
            process.stop(signal.SIGTERM)
        for pid in self._seen:
            if is_ours(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _everything(self) -> list[ServerProcess]:
        return [process for process in (*self._leaving, self._process) if process is not None and process.running]
