"""How a process stops: its main thread waits until a signal's handler says so; then work is given back."""

from __future__ import annotations

import threading
import time

#: Seconds between two looks of the main thread.
LOOK_SECONDS = 0.1
#: Seconds that the store gets, after the steps' own time, to take back what still runs.
RELEASE_SECONDS = 5.0


def wait_for_stop(stopping: threading.Event) -> None:
    """Wait for an event that a signal's handler sets.

    Python runs handlers in the main thread, as soon as that runs Python again. The kernel may give the signal to
    another thread, one that has just started a third for example, and the main one sleeps on: so it looks by itself.
    It does not wait by the event, whose lock it may hold when the handler comes for it.
    """
    while not stopping.is_set():
        time.sleep(LOOK_SECONDS)
