"""Sessions of PostgreSQL: how they are opened, and what each relies on, whatever the administrator's defaults are.

What is relied on goes with the request to connect, and is the session's default from then on, so that no reset brings
others back. A pooler that shares sessions (PgBouncer in transaction mode) takes no such request, and nothing may be set
or prepared in a session that the next transaction need not get: there each transaction says for itself what it relies
on. Such a pooler is noticed; a setting that names it saves the try.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from questline_persistence.dialects.meaning import Meaning
from questline_persistence.dialects.pool_limits import PoolLimits
from questline_persistence.dialects.postgres.errors import meaning
from questline_persistence.dialects.store_errors import hide_values
from questline_persistence.log import get_logger

log = get_logger(__name__)

#: A session cut off in mid-transaction must not hold its row locks for longer than this, in milliseconds.
IDLE_IN_TRANSACTION_MS = 15_000
#: Longest wait for a lock, in milliseconds: whoever keeps one longer is told of, and the transaction tried again.
LOCK_MS = 10_000
#: The same for the statements on a step's way, and the longest that one of them may take. What takes longer is tried
#: again alone, so that nobody else's result waits for it.
STEP_LOCK_MS, STEP_STATEMENT_MS = 2_000, 3_000
#: The longest wait for a lock of what several steps write beside their results, in one transaction: longer than
#: others' commits take, and nothing to speak of for those steps whose keys nobody has locked.
JOINED_LOCK_MS = 200
#: The longest that such a statement may take once it is alone.
ALONE_STATEMENT_MS = 60_000

_CONNECT: Mapping[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "questline",
    "client_encoding": "utf8",
}

#: What every session relies on. No statement is bounded in time but those on a step's way: a migration may be long.
RELIED_ON: Mapping[str, str | int] = {
    "default_transaction_isolation": "read committed",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "extra_float_digits": 1,
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "statement_timeout": 0,
    "lock_timeout": LOCK_MS,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
}
#: How step statements are planned: once, by primary keys. What is known of the tables' sizes may stem from when they
#: were empty, and a plan that reads all tickets where it should look up one costs more with each quest that waits.
PLANNING: Mapping[str, str | int] = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
#: What a session for step statements relies on besides.
FOR_STEPS: Mapping[str, str | int] = {**PLANNING, "statement_timeout": STEP_STATEMENT_MS, "lock_timeout": STEP_LOCK_MS}
#: What a transaction of several steps relies on, none of which is to wait for what another one writes.
JOINED: Mapping[str, str | int] = {**FOR_STEPS, "lock_timeout": JOINED_LOCK_MS}
#: What a statement relies on that was too slow for that.
ALONE: Mapping[str, str | int] = {**FOR_STEPS, "statement_timeout": ALONE_STATEMENT_MS}

#: Tells whether a session got what it was asked for; a pooler may drop that without a word.
_MARK = "questline.session"
#: How poolers say that they do not pass on what a session is asked for.
_POOLERS_WORDS = ("startup parameter", "command-line options")
#: What depends on what is there. Nothing is acknowledged that a crash of the server can take back, yet what waits for a
#: replica goes on to; a path that leads nowhere leads to the schema where tables are by default; no work is cut short.
_FIT = """
SELECT (SELECT set_config('synchronous_commit', 'on', {local}) WHERE current_setting('synchronous_commit') = 'off'),
  (SELECT set_config('search_path', 'public', {local})
   WHERE {free} AND coalesce(current_schema(), 'pg_catalog') = 'pg_catalog'),
  (SELECT set_config('transaction_timeout', '0', {local})
   WHERE current_setting('transaction_timeout', true) <> '0')
"""
_FITTED = ("synchronous_commit", "search_path", "transaction_timeout")
#: What an engine notes of a session: whether others share it, and whether the URL names its schemas.
_POOLED, _CHOSEN = "questline_pooled", "questline_schema_chosen"


def open_engine(url: Callable[[], URL], *, pool: PoolLimits, pooled: bool) -> Engine:
    """Return an engine whose sessions rely on nothing but what they ask for.

    Parameters:
      url: returns the URL, anew for each connection: its password may have changed.
      pool: how many of them there are at most.
      pooled: whether a pooler is known to share sessions among transactions.
    """
    engine = create_engine(
        url(),
        pool_size=pool.size,
        max_overflow=pool.overflow,
        pool_timeout=pool.timeout,
        hide_parameters=True,
        use_native_hstore=False,
    )
    event.listen(engine, "do_connect", _Opener(url, pooled=pooled).open)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        level = connection.get_execution_options().get("questline_level", "READ COMMITTED")
        if is_pooled(connection):
            connection.exec_driver_sql(opening(connection, level=level))
        else:  # the driver's own BEGIN says so then
            own: Any = connection.connection.dbapi_connection
            wanted = connection.dialect.loaded_dbapi.IsolationLevel[level.replace(" ", "_")]
            if own.isolation_level != wanted:
                own.isolation_level = wanted

    @event.listens_for(engine, "handle_error")
    def _judge(context: ExceptionContext) -> None:
        raised = context.sqlalchemy_exception
        hide_values(context.original_exception, raised)
        if isinstance(raised, DBAPIError) and Meaning.OF_SESSION in meaning(raised):
            context.is_disconnect = True  # so that the pool renews all of its sessions

    return engine


def is_pooled(connection: Connection) -> bool:
    """Tell whether a pooler shares the session among transactions, so that nothing may be left in it."""
    return bool(connection.info.get(_POOLED))


def opening(
    connection: Connection, settings: Mapping[str, str | int] | None = None, *, level: str = "READ COMMITTED"
) -> str:
    """Return what begins a transaction: one round trip that leaves nothing behind in the session.

    Parameters:
      settings: what it relies on besides what every session does.
    """
    begin = f"BEGIN ISOLATION LEVEL {level}"
    if not is_pooled(connection):
        return ";".join([begin, *_local(settings or {})])
    fit = _fit(local=True, chosen=connection.info[_CHOSEN])
    return ";".join([begin, *_local({**RELIED_ON, **(settings or {})}), fit])


def _local(settings: Mapping[str, str | int]) -> list[str]:
    return [f"SET LOCAL {name} = '{value}'" for name, value in settings.items()]


def _fit(*, local: bool, chosen: bool) -> str:
    return _FIT.format(local=str(local).lower(), free=str(not chosen).lower())


class _Opener:
    """Opens sessions of one store.

    Parameters:
      url: returns the URL.
      pooled: whether a pooler is known to share sessions; else one is noticed.
    """

    def __init__(self, url: Callable[[], URL], *, pooled: bool) -> None:
        self._url = url
        self._pooled = pooled
        self._asked: dict[str, str | int] = {**RELIED_ON, _MARK: "on"}

    def open(self, dialect: Dialect, record: ConnectionPoolEntry, _args: Any, _params: Any) -> Any:
        """Return a new connection of the driver; this is SQLAlchemy's `do_connect`."""
        params = {**_CONNECT, **dialect.create_connect_args(self._url())[1], "client_encoding": "utf8"}
        record.info[_CHOSEN] = "search_path" in params.get("options", "")
        own = None if self._pooled else self._open_own(dialect, params, chosen=record.info[_CHOSEN])
        if own is None:
            own = dialect.connect(**params, autocommit=True, prepare_threshold=None)
        record.info[_POOLED] = self._pooled
        return own

    def _open_own(self, dialect: Dialect, params: dict[str, Any], *, chosen: bool) -> Any:
        """Return a session that is ours alone; None if a pooler stands before the server."""
        while True:
            try:
                options = _options(params.get("options"), self._asked)
                own: Any = dialect.connect(**{**params, "options": options}, autocommit=True)
            except dialect.loaded_dbapi.Error as error:
                if not any(words in str(error) for words in _POOLERS_WORDS):
                    raise
                self._notice_pooler()
                return None
            unfit = self._unfit(dialect, own, chosen=chosen)
            if unfit is not None and unfit.items() <= self._asked.items():
                return own
            own.close()
            if unfit is None:
                self._notice_pooler()
                return None
            # Asked for from the start, it outlives a reset. A new one: others may be going over that of before.
            self._asked = {**self._asked, **unfit}

    @staticmethod
    def _unfit(dialect: Dialect, own: Any, *, chosen: bool) -> dict[str, str] | None:
        """Return what else is to be asked for, by what is there; None if a pooler has dropped what was asked for."""
        try:
            query = f"{_fit(local=False, chosen=chosen)} WHERE current_setting('{_MARK}', true) = 'on'"
            found = own.execute(query, prepare=False).fetchone()
            own.autocommit, own.isolation_level = False, dialect.loaded_dbapi.IsolationLevel.READ_COMMITTED
        except BaseException:
            own.close()
            raise
        return None if found is None else {name: value for name, value in zip(_FITTED, found, strict=True) if value}

    def _notice_pooler(self) -> None:
        if not self._pooled:
            self._pooled = True
            log.info(
                "pooler_noticed",
                hint="set QUESTLINE_DATABASE_POOLER=transaction, so that each process knows it at its start",
            )


def _options(given: str | None, asked: Mapping[str, str | int]) -> str:
    """Return what a session is asked for, after what the URL or the environment asks for."""
    ours = [f"-c {name}={str(value).replace(' ', chr(92) + ' ')}" for name, value in asked.items()]
    return " ".join([given or os.environ.get("PGOPTIONS", ""), *ours]).strip()
