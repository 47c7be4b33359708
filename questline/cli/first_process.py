"""What the first process of a container has to do: bury orphans, and pass signals on.

The kernel makes the first process of a container the parent of everything whose own has died, and gives signals to it
without their default effect. Images need no init beside us: questline forks, and the program goes on in the child.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from contextlib import suppress

#: What tells of a fault of this process itself, or is not to be caught.
_NOT_PASSED_ON = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT),
    *(signal.SIGTTIN, signal.SIGTTOU, signal.SIGKILL, signal.SIGSTOP),
}


def is_first() -> bool:
    """Return whether this is the first process of its container."""
    return os.getpid() == 1


def go_on_below() -> None:
    """Return in a child process; this one serves it until it ends, and exits as it does."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # were it ignored, nobody could learn how the child ended
    signals = {number for number in signal.valid_signals() if number not in _NOT_PASSED_ON}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child:
        os._exit(_serve(child, signals))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(child: int, signals: Collection[int]) -> int:
    """Collect what dies and pass signals on until the child has ended; return its exit code."""
    while True:
        found = signal.sigwaitinfo(signals)
        if found.si_signo == signal.SIGCHLD:
            ended = _collect(child)
            if ended is not None:
                return ended
        elif found.si_code <= 0:  # a process has sent it; what a terminal sends comes to the child, too
            with suppress(ProcessLookupError):
                os.kill(child, found.si_signo)


def _collect(child: int) -> int | None:
    """Bury all that is dead; return the child's exit code if it is among them."""
    ended = None
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == child:
                code = os.waitstatus_to_exitcode(found[1])
                ended = code if code >= 0 else 128 - code  # as shells tell of a signal
    return ended
