"""What happens to a process at its point: death, an error, or the loss of its connections."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import redis
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import Pool

from tests.failpoints.orders import Ledger, Order

#: Passing one of these is a step's commit.
_COMMITS = frozenset({"checkpoint.committed", "also.committed"})


class Struck(RuntimeError):
    """The error that rises at a point."""


class Trap:
    """Has the ordered fault happen at the ordered point, once."""

    def __init__(self, order: Order, ledger: Ledger) -> None:
        self._order = order
        self._ledger = ledger
        self._lock = threading.Lock()
        self._committed = self._skipped = 0
        self._sprung = False
        self._act = _fault(order)
        #: Whether this thread is at a step that was handed over, as `step.handed`.
        self.step = threading.local()
        #: Set when it is over, for handlers that wait for it.
        self.over = threading.Event()

    def __call__(self, name: str) -> None:
        with self._lock:
            mine = not self._sprung and name == self._order.point and self._order.after in (None, self._committed)
            mine = mine and (not self._order.handed or getattr(self.step, "handed", False))
            if mine and self._skipped < self._order.skips:
                self._skipped, mine = self._skipped + 1, False
            self._committed += name in _COMMITS
            self._sprung = self._sprung or mine
        if mine:
            self._ledger.note("struck", name)
            self.over.set()
            self._act(name)


def _fault(order: Order) -> Callable[[str], None]:
    if order.fault == "sql":
        return _sql_cut(order)
    return {"kill": _die, "raise": _rise, "broker": _broker_cut(order)}[order.fault]


def _die(_name: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _rise(name: str) -> None:
    raise Struck(name)


def _sql_cut(order: Order) -> Callable[[str], None]:
    """Cut this process off PostgreSQL, or let it meet a lock of SQLite."""
    if order.database_url.startswith("sqlite"):
        return _locked
    backends: list[int] = []

    @event.listens_for(Pool, "connect")
    def note(connection: Any, _record: Any) -> None:
        backends.append(connection.info.backend_pid)

    def cut(_name: str) -> None:
        with psycopg.connect(order.database_url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [backends])
        backends.clear()

    return cut


def _locked(name: str) -> None:
    raise OperationalError(name, {}, sqlite3.OperationalError("database is locked"))


def _broker_cut(order: Order) -> Callable[[str], None]:
    """Cut this process off Redis: its connections bear the name that its broker URL gives them."""

    def cut(_name: str) -> None:
        with redis.Redis.from_url(order.broker_url.partition("?")[0]) as client:
            for entry in client.client_list():  # pyright: ignore[reportGeneralTypeIssues]  it is a list
                if entry["name"] == f"victim-{os.getpid()}":
                    client.client_kill_filter(_id=entry["id"])

    return cut
