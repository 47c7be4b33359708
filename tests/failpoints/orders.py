"""What a forked process is told to do, and the ledger in which it writes what it did."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Short terms, so that a lost worker is noticed within a test; all in seconds.
HEARTBEAT, LEASE, SWEEP = 0.2, 1.0, 0.1
#: How long a forked process may live, in seconds: it ends itself, whatever became of its test.
LIFETIME = 60
#: The Lords of a quest of three steps, and the one that a step may push.
LORDS, PUSHED = ("a", "b", "c"), "d"
#: Places that are no failpoints: in the middle of a handler, or of a call that is to be made once, after its effect.
IN_THE_BODY, IN_A_CALL = "handler.body", "handler.call"
#: Lords whose handlers make so many calls that are to be made once: one after the other, and half of them at a time.
PLAIN, AWAITED, CALLS = "plain", "awaited", 10
#: Exit codes of a verb: it returned, it raised.
RETURNED, RAISED = 0, 3


@dataclass(frozen=True)
class Order:
    """What one forked process does, and at which point what is to happen to it.

    `after` is how many steps must have been committed when the point counts (None: any number), `skips` how often it
    is passed then before it counts, and `fault` what happens there: kill, raise, sql (its connections to the store are
    cut) or broker. `verb` is a client's call instead of a worker's life.
    """

    database_url: str
    broker_url: str
    namespace: str
    ledger: str
    point: str | None = None
    after: int | None = None
    skips: int = 0
    fault: str = "kill"
    threads: int = 1
    #: Whether the point counts only where it is passed for a step that this process has handed over to itself.
    handed: bool = False
    #: Lords that this worker does not know; whose handler waits, fails, saves what has moved, makes calls once, or
    #: pushes a step and remembers something.
    lacks: str | None = None
    waits: str | None = None
    fails: str | None = None
    conflicts: str | None = None
    calls: str | None = None
    pushes: str | None = None
    #: Stop gracefully, with no time for what runs, once a handler waits.
    stops: bool = False
    verb: str | None = None
    quest_id: str = ""

    @property
    def ledger_path(self) -> Path:
        return Path(self.ledger)

    def values(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Ledger:
    """A file that no database can roll back: one line per event, appended in one system call."""

    path: Path

    def note(self, event: str, text: str = "") -> None:
        line = json.dumps({"event": event, "text": text, "pid": os.getpid(), "time": time.time()})
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{line}\n".encode())
        os.close(file)

    def entries(self, event: str) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        # A line that is being written while it is read has no end yet.
        lines = self.path.read_text().split("\n")[:-1]
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]
