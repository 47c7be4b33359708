"""What a peer's script is asked for, and how it answers. It needs nothing but the standard library."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Longest that a run may take, in seconds.
PATIENCE = 500.0
#: Chains that run before anything is measured.
WARM_UP = 20


@dataclass(frozen=True)
class Order:
    """So many chains of so many no-op steps, on these servers, with so many processes and threads."""

    database_url: str
    broker_url: str
    quests: int
    steps: int
    processes: int
    threads: int

    @property
    def sqlite(self) -> bool:
        """Whether the chains are to be kept in an SQLite file."""
        return self.database_url.startswith("sqlite")


def read() -> Order:
    """Return the order that the command line holds."""
    return Order(**json.loads(sys.argv[1]))


def answer(order: Order, seconds: float, setup: str) -> None:
    """Print how fast it was."""
    steps = order.quests * order.steps
    print(json.dumps({"steps_per_second": steps / seconds, "ms_per_step": seconds / steps * 1000, "setup": setup}))


def wait_for(count: int, done: Callable[[], int]) -> None:
    """Wait until `done` says `count`.

    Raises:
      SystemExit: it does not, or says more.
    """
    deadline = time.monotonic() + PATIENCE
    while (found := done()) < count:
        if time.monotonic() > deadline:
            sys.exit(f"{found} of {count} chains were done after {PATIENCE:g} s")
        time.sleep(0.005)
    if found != count:
        sys.exit(f"{found} chains were done instead of {count}")
