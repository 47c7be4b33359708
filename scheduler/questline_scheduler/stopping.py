"""Waiting, in a process's main thread, until a signal's handler says that it is to stop."""

from __future__ import annotations

import threading

#: Seconds between two looks of the main thread for signals that did not wake it.
LOOK_SECONDS = 0.5


def wait_for_stop(stopping: threading.Event) -> None:
    """Wait for an event that a signal's handler sets.

    Python runs handlers in the main thread, as soon as that runs Python again. The kernel may give the signal to
    another thread, one that has just started a third for example, and the main one sleeps on: so it looks by itself.
    """
    while not stopping.wait(LOOK_SECONDS):
        pass
