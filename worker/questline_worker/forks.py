"""What a process that a handler forks must not take over from the worker: its signal handlers, and its work.

`multiprocessing` forks by default on Linux. With the worker's answer to SIGTERM, which only notes that it came, such
a process could not be terminated; and one that came back out of its handler would go on as a second worker.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress

from questline_persistence.errors import traceback_of

#: The signals that a worker handles in its own way.
_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


class _Thread(threading.local):
    """What a thread that forks had blocked before."""

    blocked: Iterable[int] = ()


_thread = _Thread()


def keep_signals_here() -> None:
    """Have whatever is forked from this process handle signals as Python does by default."""
    os.register_at_fork(before=_block, after_in_parent=_unblock, after_in_child=_handle_as_usual)


def end_if_forked(pid: int, error: BaseException | None = None) -> None:
    """End the process if a handler has forked it: only in the worker is there anything to do with its result.

    Parameters:
      pid: the process that called the handler.
      error: what the handler raised, if it did not return.
    """
    if os.getpid() == pid:
        return
    if error is not None and not isinstance(error, SystemExit):
        with suppress(Exception):
            sys.stderr.write(traceback_of(error) + "\n")
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(_exit_code(error))


def _exit_code(error: BaseException | None) -> int:
    """Return the exit code that Python gives a program which ends like this."""
    code = error.code if isinstance(error, SystemExit) else error
    return code & 0xFF if isinstance(code, int) else int(code is not None)


def _block() -> None:
    """Hold signals off: one that came just after the fork would still be handled, and lost, as the worker does it."""
    _thread.blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _thread.blocked)


def _handle_as_usual() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Nobody could catch a KeyboardInterrupt that was raised in here.
    interrupted = signal.SIGINT in signal.sigpending()
    signal.signal(signal.SIGINT, signal.SIG_DFL if interrupted else signal.default_int_handler)
    _unblock()
