"""A connection to the SQL store: SQLite or PostgreSQL, transactions, and retries of what passes by itself.

No connection or session leaves this package, except to the callback of one transaction.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from questline_persistence.clock import Clock, Reading
from questline_persistence.dialects import (
    CODEC,
    DEFAULT_POOL,
    SHOWN,
    Access,
    Meaning,
    Overtime,
    PoolLimits,
    check_callers,
    dialect_for,
    driver,
    forks,
    meaning_of,
    parse_url,
)
from questline_persistence.errors import ConfigurationError, StoreUnavailable
from questline_persistence.failpoints import failpoint
from questline_persistence.log import get_logger
from questline_persistence.payload import CLEAR, DEFAULTS, Codec, Limits
from questline_persistence.secret_files import renewed
from questline_persistence.store.alarm import Alarm
from questline_persistence.store.callers_engines import CallersEngines
from questline_persistence.store.retrying import Retrying
from questline_persistence.store.step_connections import StepConnections

T = TypeVar("T")
log = get_logger(__name__)

#: What a forked process got from its parent and must never close, not even by forgetting it.
_PARENTS: list[object] = []


class _TakenBackError(Exception):
    """Rolls back what was only tried."""


class Database:
    """An SQL store, opened when first used.

    Parameters:
      url: a URL, a path of an SQLite file, or ":memory:".
      patience: seconds for which a transaction that met a passing error is tried again.
      limits: how large what is stored, or read as a whole, may be.
      codec: what payloads pass on their way in and out.
      pool: how many connections there are at most, and how long a thread waits for one.
      pooler: "transaction" where a pooler is known to share PostgreSQL's sessions; "auto" looks.
      echo: whether each statement is logged, without its values.
    """

    def __init__(
        self,
        url: str | Path,
        *,
        patience: float = 5.0,
        limits: Limits = DEFAULTS,
        codec: Codec = CLEAR,
        pool: PoolLimits = DEFAULT_POOL,
        pooler: str = "auto",
        echo: bool = False,
    ) -> None:
        text = str(url)
        with forks.importing():
            self.url = parse_url(url)
        self.dialect = dialect_for(self.url)
        self._access = self.dialect.access(
            self.url, lambda: parse_url(renewed(text)), pool=pool, pooled=pooler == "transaction"
        )
        self.patience = patience
        self.limits = limits
        self.codec = codec
        self._pool = pool
        self._echo = echo
        #: How far the store's clock was moved on, in seconds.
        self._ahead = 0.0
        self.clock = Clock(self._read_clock, forks.new_lock)
        self._begin()
        forks.join(self)

    def _begin(self) -> None:
        """Begin with nothing open; so does a forked process."""
        self._opening = threading.Lock()
        self._engine: Engine | None = None
        self._kept: StepConnections | None = None
        self._callers = CallersEngines(self.dialect)
        self._alarm = Alarm(self.name)
        self._retrying = Retrying(self.name, self.dialect, self._alarm)

    @property
    def name(self) -> str:
        """The URL without its password, for people."""
        return self._access.name

    @property
    def access(self) -> Access:
        """The way to the store, for who copies it as a whole."""
        return self._access

    @property
    def file(self) -> Path | None:
        """The file that the store is, whatever folder this process goes to later; None if it is none."""
        return self._access.file

    @property
    def long_waits(self) -> int:
        """How often a transaction had to wait for the store for seconds: it was away then."""
        return self._alarm.long_waits

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, made at first use."""
        if self._engine is None:
            with self._opening:
                if self._engine is None:
                    with forks.importing():
                        engine = self._access.open_engine()
                    engine.update_execution_options(**{CODEC: self.codec})
                    if self._echo:
                        event.listen(engine, "before_cursor_execute", _echo)
                    self._engine = engine
        return self._engine

    @property
    def _step_connections(self) -> StepConnections:
        if self._kept is None:
            engine = self.engine
            with self._opening:
                if self._kept is None:
                    self._kept = StepConnections(engine, self.dialect, self._access, most=self._pool.size)
        return self._kept

    def before_fork(self) -> None:
        """Close connections that would not survive a fork, as soon as no transaction is under way."""
        if self._access.shut():
            self._disconnect()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._access.reopen()

    def after_fork_in_child(self) -> None:
        """Begin anew; what the parent has open stays as it is, and an in-memory database stays with the parent."""
        if self._engine is not None:
            _PARENTS.append((self._engine, self._kept))
        self._access.left_to_parent()
        self._begin()

    @property
    def missing(self) -> bool:
        """Whether the store is a file that is not there yet, and that opening it would make."""
        return self._access.is_missing

    @property
    def in_memory(self) -> bool:
        """Whether the store is in this process's memory, where no other process sees it."""
        return self._access.has_one_connection

    def _read_clock(self) -> Reading:
        """Read the database's time."""
        return self._retry(lambda: self._access.read_time(lambda: self.engine)).ahead(self._ahead)

    @property
    def clock_in_sql(self) -> ColumnElement[float]:
        """The time that `clock` tells, as a statement's expression."""
        return self.dialect.clock + self._ahead if self._ahead else self.dialect.clock

    def move_clock(self, seconds: float) -> None:
        """Move the store's clock on by some seconds; that of a store in memory alone, by which no other process goes.

        Raises:
          ConfigurationError: the store is not in memory.
          ValueError: it is to go back.
        """
        if not self.in_memory:
            message = f"the clock of {self.name} is not this process's to move"
            raise ConfigurationError(message, hint="use a store in memory: QuestRepository(':memory:')")
        if not seconds >= 0:
            raise ValueError(f"time does not go back, so move it by 0 seconds at least, not {seconds}")
        self.clock.follow(partial(self._move, seconds))

    def _move(self, seconds: float) -> None:
        self._ahead += seconds

    def read(self, work: Callable[[Connection], T], *, limited: bool = False, shown: bool = False) -> T:
        """Return `work(connection)` of one read transaction.

        Parameters:
          work: does the reading; it may be called again after a passing error.
          limited: whether what took too long is told of at once.
          shown: whether it is for people, who see of a payload whose key is not there that it is encrypted; else that
            is an error.

        Raises:
          Overtime: it took too long, and `limited`.
          StoreUnavailable: the store did not answer within the patience.
        """
        return self._retry(lambda: self._transaction(work, shown=shown), limited=limited)

    def write(
        self,
        work: Callable[[Connection], T],
        *,
        at: str = "write",
        repeatable: bool = True,
        tries: float = math.inf,
        limited: bool = False,
    ) -> T:
        """Return `work(connection)` after one committed write transaction.

        Parameters:
          work: does the writing; it may be called again after a passing error.
          at: the transaction's name among `failpoints.TRANSACTIONS`.
          repeatable: whether a COMMIT whose reply was lost may simply be sent again, because `work`
            recognises what it has already done.
          tries: how often to try, as long as the patience lasts.
          limited: whether what took too long, or waited too long for a lock, is told of at once.

        Raises:
          Overtime: it took too long, and `limited`.
          StoreUnavailable: the store did not answer within the patience.
        """
        transaction = partial(self._transaction, work, write=True, at=at, repeatable=repeatable)
        return self._retry(transaction, tries=tries, limited=limited)

    def rehearse(self, work: Callable[[Connection], object]) -> None:
        """Call `work(connection)` in a write transaction of no name, and take back what it writes."""

        def take_back(connection: Connection) -> None:
            work(connection)
            raise _TakenBackError

        with suppress(_TakenBackError):
            self._retry(lambda: self._transaction(take_back, write=True))

    def statement(self, work: Callable[[Connection], T], *, at: str, alone: bool | None = None) -> T:
        """Return `work(connection)` of the few statements on a step's way.

        On PostgreSQL each of them is a transaction of its own, unless a pooler shares its sessions; on SQLite they
        are one.

        Parameters:
          work: sends them; it may be called again after a passing error.
          at: their name among `failpoints.TRANSACTIONS`.
          alone: whether they hold one item only, and may take long; False if several, which may not. None gives
            them little time first and then much.

        Raises:
          Overtime: they took more than they may, and `alone` is not None.
          StoreUnavailable: the store did not answer within the patience.
        """
        if alone is not None:
            return self._retry(lambda: self._run(work, at, alone=alone), limited=True)
        try:
            return self._retry(lambda: self._run(work, at, alone=False), limited=True)
        except Overtime:
            return self._retry(lambda: self._run(work, at, alone=True))

    def statements(self, work: Callable[[Connection], T], *, at: str, briefly: bool = False) -> T:
        """Return `work(connection)` of the statements that end steps, which are one transaction.

        Parameters:
          work: sends them; it may be called again after a passing error.
          at: their name among `failpoints.TRANSACTIONS`.
          briefly: whether they end several steps, and may neither take long nor wait for a lock for long; else they end
            one, and may.

        Raises:
          Overtime: they took too long, or waited too long for a lock that somebody keeps.
          StoreUnavailable: the store did not answer within the patience.
        """
        return self._retry(lambda: self._run(work, at, alone=not briefly, joined=True), limited=True)

    def _run(self, work: Callable[[Connection], T], at: str, *, alone: bool, joined: bool = False) -> T:
        self.clock.refresh()
        self._leave_replaced()
        lent = self._step_connections.lent(long=alone and joined)
        # The lock is looked up with the connection at hand: opening that is what makes it.
        with self._access.entry, lent as connection, self._access.write_lock:
            failpoint(at, "begun")
            if begin := self._access.opening(connection, alone=alone, joined=joined):
                result = driver.transaction(connection, work, opening=begin, written=partial(failpoint, at, "written"))
            else:
                result = work(connection)
            failpoint(at, "committed")
            self._access.committed()
            return result

    def _transaction(
        self,
        work: Callable[[Connection], T],
        *,
        write: bool = False,
        at: str | None = None,
        repeatable: bool = True,
        shown: bool = False,
    ) -> T:
        """Run one transaction, which passes the failpoints of its name if it has one."""
        # Before a connection is taken: `work` asks for the time, and must not need a second connection for it.
        self.clock.refresh()
        self._leave_replaced()
        with self._access.entry, self.engine.connect() as plain:
            # What is read in several statements is read at one moment; SQLite's transactions are so by themselves.
            level = "READ COMMITTED" if write else "REPEATABLE READ"
            connection = plain.execution_options(questline_write=write, questline_level=level, **{SHOWN: shown})
            if not write:
                return self._carry_out(connection, work, at, repeatable=repeatable)
            with self._access.write_lock:
                result = self._carry_out(connection, work, at, repeatable=repeatable)
                self._access.committed()
                return result

    def _carry_out(
        self, connection: Connection, work: Callable[[Connection], T], at: str | None, *, repeatable: bool
    ) -> T:
        """Begin a transaction, have `work` use it, and commit."""
        transaction = connection.begin()
        try:
            _pass(at, "begun")
            result = work(connection)
            _pass(at, "written")
        except BaseException as error:
            transaction.rollback()
            if Meaning.OF_SESSION in meaning_of(error, self.dialect):
                connection.invalidate(error)
            raise
        try:
            transaction.commit()
            _pass(at, "committed")
        except DBAPIError as error:
            if repeatable or Meaning.ANSWERED in meaning_of(error, self.dialect):
                raise
            message = f"the connection to {self.name} broke while committing: the change may or may not have been made"
            raise StoreUnavailable(message, hint="look with `questline show` before you try again") from error
        return result

    def _leave_replaced(self) -> None:
        """Close connections to a file that is no longer the one at its path: nobody else would ever see its quests."""
        if self._access.is_replaced():
            self._disconnect()

    def _retry(self, attempt: Callable[[], T], *, tries: float = math.inf, limited: bool = False) -> T:
        """Call `attempt` until it succeeds, fails for good, or the patience is over."""
        return self._retrying.call(attempt, patience=self.patience, tries=tries, limited=limited)

    def check_callers(self, connection: Connection) -> None:
        """Make sure that a caller's own connection can take part in what this store does.

        Raises:
          ConfigurationError: it is to another database, or made by another SQLite library.
        """
        check_callers(connection, self.dialect)
        if connection.engine.pool is not self.engine.pool:
            self._callers.check(connection, lambda: self.read(self.dialect.place))

    def give_up(self) -> None:
        """Stop waiting for a store that does not answer; the process is about to end."""
        self._retrying.give_up()

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._access.closing()
        self._disconnect()
        self._access.closed()

    def _disconnect(self) -> None:
        if self._kept is not None:
            self._kept.close()  # before the engine, which would take the one connection of an in-memory database away
        if self._engine is not None:
            self._engine.dispose()


def _echo(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    """Log a statement that is sent; its values may be secrets."""
    log.info("statement", sql=" ".join(statement.split()))


def _pass(at: str | None, stage: str) -> None:
    """Pass the failpoint of a transaction that has a name."""
    if at is not None:
        failpoint(at, stage)
