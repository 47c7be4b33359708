"""Processes that append to one session at once."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from typing import IO, cast

from sqlalchemy import func, select

from benchmarks.harness.pool import ROOT
from benchmarks.harness.store import Store
from benchmarks.harness.verification import LostWork, verify_remembered
from questline_persistence.kinds import EVENTS
from questline_persistence.schema import table_of

#: The session that all of them append to.
SESSION = "everybody's"


def appended(store: Store, processes: int, each: int) -> float:
    """Have so many processes append to one session; return the events per second, of all together.

    Raises:
      LostWork: an event is missing, or its number.
    """
    words = [sys.executable, "-m", "benchmarks.appending", store.database_url, SESSION, str(each)]
    with ExitStack() as stack:
        started = [stack.enter_context(_started(words)) for _ in range(processes)]
        _await(started, "ready")
        begun = time.perf_counter()
        for one in started:
            print(file=cast("IO[str]", one.stdin), flush=True)
        _await(started, "done")
        seconds = time.perf_counter() - begun
    _verify(store, processes * each)
    return processes * each / seconds


def _started(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _await(processes: list[subprocess.Popen[str]], word: str) -> None:
    for one in processes:
        said = cast("IO[str]", one.stdout).readline().strip()
        if said != word:
            raise LostWork(f"a process that was to say {word!r} said {said!r}")


def _verify(store: Store, count: int) -> None:
    """Check that the session's numbers are 1, 2, 3 … without gap, and that all that belongs together is there."""
    rows = table_of(EVENTS)
    query = select(func.count(), func.min(rows.c.seq), func.max(rows.c.seq)).where(rows.c.session_id == SESSION)
    database = store.database()
    try:
        found = tuple(database.read(lambda own: own.execute(query).one()))
    finally:
        database.close()
    if found != (count, 1, count):
        raise LostWork(f"{found} instead of {count:,} events, numbered from 1 to {count:,}")
    verify_remembered(store)
