"""What `questline doctor` looks at elsewhere: the database, the broker, the workers. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from questline.cli.check import Check, failed, passed, warned
from questline.cli.db import require_head
from questline.cli.exit_codes import ExitCode
from questline.cli.failures import explain
from questline.cli.invocation import Invocation
from questline_persistence.errors import QuestlineError

#: How long doctor waits for a broker, in seconds.
BROKER_SECONDS = 3.0


def check_database(invocation: Invocation) -> Iterator[Check]:
    """Yield whether the store can be reached, what it is, and whether its schema is the right one."""
    database = invocation.database
    if database.dialect == "sqlite":
        yield from _check_sqlite()
        if not Path(database.url.database or "").exists():
            yield warned(
                "database", "reach", f"{database.name} does not exist yet", "the first command that needs it makes it"
            )
            return
    try:
        require_head(database)
    except QuestlineError as error:
        failure = explain(error)
        unreachable = failure.exit_code != ExitCode.CONFIGURATION
        name = "reach" if unreachable else "schema"
        yield failed("database", name, failure.message, failure.hint, exit_code=ExitCode(failure.exit_code))
        return
    yield passed("database", "reach", database.name)
    if database.dialect == "postgresql":
        numbers = getattr(database.engine.dialect, "server_version_info", None) or ()
        yield passed("database", "server", "PostgreSQL " + ".".join(map(str, numbers)))
    yield passed("database", "schema", "as this version needs it")


def _check_sqlite() -> Iterator[Check]:
    from questline_persistence import sqlite_driver  # noqa: PLC0415  (cheap, but only doctor needs it)

    module = sqlite_driver.driver()
    mode = sqlite_driver.journal_mode(module)
    message = f"SQLite {module.sqlite_version}, journal mode {mode}"
    if mode == "WAL":
        yield passed("database", "sqlite", message)
    else:
        safe = ".".join(map(str, sqlite_driver.SAFE_WAL_VERSION))
        hint = f"SQLite before {safe} can corrupt a write-ahead log, so a slower journal is used; pip install pysqlite3"
        yield warned("database", "sqlite", message, hint)


def check_broker(invocation: Invocation) -> Iterator[Check]:
    """Yield whether the broker answers, and whether it is set up not to throw doorbells away."""
    from questline.cli.config import masked  # noqa: PLC0415  (with the settings)

    url = invocation.settings.broker_url
    if url.startswith("memory:"):
        yield passed("broker", "reach", "memory:// (inside each worker process; no server)")
        return
    from questline_scheduler.brokers import open_broker  # noqa: PLC0415  (Dramatiq)

    try:
        open_broker(url, namespace=invocation.settings.namespace).close()
        yield from _check_redis(url)
    except QuestlineError as error:
        failure = explain(error)
        yield failed("broker", "url", failure.message, failure.hint, exit_code=ExitCode(failure.exit_code))
    except OSError as error:
        hint = "start it, or mend QUESTLINE_BROKER_URL; quests are accepted meanwhile and start when it is back"
        yield failed("broker", "reach", f"{masked(url)}: {error}", hint, exit_code=ExitCode.UNREACHABLE)


def _check_redis(url: str) -> Iterator[Check]:
    """Yield what a Redis server says of itself; raise OSError where it does not answer."""
    import redis  # noqa: PLC0415  (100 ms)

    client = redis.Redis.from_url(url, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS)
    try:
        server = client.info("server")
        memory = client.info("memory")
    except redis.RedisError as error:
        raise OSError(str(error)) from error
    finally:
        client.close()
    name = server.get("server_name") or "redis"
    number = server.get("valkey_version") or server.get("redis_version")
    yield passed("broker", "reach", f"{name} {number}")
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        yield passed("broker", "maxmemory-policy", policy)
    else:
        hint = "set it to noeviction; what is evicted is rung again from SQL, but later"
        yield warned("broker", "maxmemory-policy", policy, hint)


def check_workers(invocation: Invocation) -> Iterator[Check]:
    """Yield who is alive, and which Lords live quests need that nobody alive knows."""
    rows = invocation.register.all()
    live = [row for row in rows if row["state"] == "live"]
    needed = invocation.repository.live_handlers()
    waiting = sum(needed.values())
    if live:
        yield passed("workers", "live", f"{len(live)} alive")
    elif waiting:
        yield warned("workers", "live", f"none, and {waiting:,} quests are live", "run: questline worker MODULE")
    else:
        yield passed("workers", "live", "none, and no quest needs one")
    known = {name for row in live for name in _names(row["handlers"])}
    for handler in sorted(set(needed) - known) if live else []:
        message = f"{handler} is needed by {needed[handler]:,} quests and known to no live worker"
        yield warned("workers", "lords", message, "start a worker with the module that registers it")


def _names(handlers: object) -> list[str]:
    return [str(name) for name in handlers] if isinstance(handlers, list) else []
