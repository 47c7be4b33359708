"""One server process: started, watched, signalled and stopped. It dies with the process that started it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.servers.signals import answer_to_ctrl_c
from tests.waiting import eventually

#: `PR_SET_PDEATHSIG` of Linux's <sys/prctl.h>.
PARENT_DEATH_SIGNAL = 1

#: How long a server may take to answer after its start, in seconds. It takes 0.3; CI machines may be slow.
START_TIMEOUT = 30.0

#: How long a server may take to end after it was told to, in seconds, before it is killed.
STOP_TIMEOUT = 10.0

#: How much of a server's log an error shows, in characters.
LOG_TAIL = 2_000

#: Linux sends the death signal when the *thread* that forked ends, so one that never ends forks for everybody.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-spawner")

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ServerError(RuntimeError):
    """A test server could not be started, or did not do what it was told."""


class ServerProcess:
    """A running child process with its log in a file."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        user: str | None = None,
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.log = log
        self._process = _SPAWNER.submit(_spawn, command, log, user, death_signal).result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, ignoring: tuple[type[Exception], ...]) -> None:
        """Wait until `ready` holds; if it never does, or the process ends before, stop it and say why from its log."""

        def ready_or_dead() -> bool:
            return not self.running or ready()

        try:
            eventually(ready_or_dead, timeout=START_TIMEOUT, ignoring=ignoring, message="the server does not answer")
        except AssertionError as error:
            self.stop(signal.SIGKILL)
            raise ServerError(f"{error}; {self._story()}") from error
        if not self.running:
            raise ServerError(f"the server did not stay up; {self._story()}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself."""
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal and wait for the end; kill the process if it does not end. Idempotent."""
        with contextlib.suppress(ProcessLookupError):
            self.send(number)
            self.send(signal.SIGCONT)  # a frozen process would not see the first one
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT)

    def _story(self) -> str:
        tail = self.log.read_text(errors="replace")[-LOG_TAIL:]
        return f"exit status {self._process.poll()} of {self._process.args!r}, log: {tail}"


def _spawn(
    command: Sequence[str | Path], log: Path, user: str | None, death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start the command as `user`, or as ourselves, with its output appended to the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,  # `user` may not be allowed where we are
            env=environment(),
            user=user,
            process_group=0,  # Ctrl-C at the terminal is ours to hear: it must not end the server under our feet
            preexec_fn=partial(_die_with_parent, death_signal, os.getpid()),  # noqa: PLW1509  it only makes system calls
        )


def environment() -> dict[str, str]:
    """Return our environment without what would change a server's behaviour or language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _die_with_parent(death_signal: signal.Signals, parent: int) -> None:
    answer_to_ctrl_c()
    if _LIBC is None:
        return
    _LIBC.prctl(PARENT_DEATH_SIGNAL, int(death_signal))
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)
