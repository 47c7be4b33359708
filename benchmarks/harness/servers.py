"""The servers that are measured on: durable, on a disk, with PostgreSQL's own defaults."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import psycopg
import redis

from benchmarks.harness.store import Store
from questline_persistence import schema
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import ValkeyServer

#: PostgreSQL's own defaults, wherever the server of the tests differs from them.
DURABLE = {
    "autovacuum": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "max_wal_size": "1GB",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
}
#: Settings whose values a report shows.
SHOWN = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "autovacuum",
    "shared_buffers",
    "max_wal_size",
)

StoreKind = Literal["postgres", "sqlite"]


class Servers:
    """PostgreSQL and Valkey, each started when it is first asked for, and a folder for SQLite files and logs."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="questline-bench-"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def postgres(self) -> PostgresServer:
        """PostgreSQL as most people run it."""
        return self._postgres({})

    @cached_property
    def counting_postgres(self) -> PostgresServer:
        """PostgreSQL that counts the calls of each statement, which costs it a little time."""
        return self._postgres({"shared_preload_libraries": "pg_stat_statements"})

    @cached_property
    def valkey(self) -> ValkeyServer:
        """Valkey without persistence: it holds doorbells only."""
        return self._stack.enter_context(ValkeyServer())

    def store(self, kind: StoreKind) -> Store:
        """Return an empty store of the newest schema, and an empty broker beside it."""
        if kind == "sqlite":
            return Store(f"sqlite:///{self._sqlite_file()}", "memory://", self.folder)
        return self.store_on(self.postgres)

    def store_on(self, server: PostgresServer) -> Store:
        """Return an empty store on a server, and an empty broker beside it."""
        url = self.blank_database(server)
        schema.upgrade(url)
        return Store(url, self.broker_url(), self.folder)

    def broker_url(self) -> str:
        """Return the URL of an empty broker."""
        self.valkey.flush()
        return self.valkey.url

    def blank_database(self, server: PostgresServer | None = None) -> str:
        """Return the URL of a PostgreSQL database without any table."""
        return (server or self.postgres).create_database(f"bench_{secrets.token_hex(6)}")

    def drop(self, url: str) -> None:
        """Remove a store that is no longer needed, so that the next one finds the same disk."""
        if url.startswith("postgresql"):
            self.postgres.drop_database(url.rpartition("/")[2])

    def blank_sqlite(self) -> Path:
        """Return the path of an SQLite file that does not exist yet."""
        return self.folder / f"{secrets.token_hex(6)}.db"

    def broker_info(self) -> dict[str, Any]:
        """Return what Valkey tells of itself."""
        with redis.Redis.from_url(self.valkey.url) as client:
            info: Any = client.info("everything")
        return dict(info)

    def settings(self) -> dict[str, str]:
        """Return the PostgreSQL settings that a report shows; those of durability are as they must be.

        Raises:
          RuntimeError: the server would lose commits, and what was measured would be worth nothing.
        """
        with psycopg.connect(self.postgres.url) as connection:
            shown = {name: str((connection.execute(f"SHOW {name}").fetchone() or [""])[0]) for name in SHOWN}
        if shown["fsync"] != "on" or shown["synchronous_commit"] != "on":
            raise RuntimeError(f"this PostgreSQL is not durable: {shown}")
        return shown

    def _postgres(self, more: dict[str, str]) -> PostgresServer:
        server = PostgresServer({**DURABLE, **more}, parent=Path(tempfile.gettempdir()))
        return self._stack.enter_context(server)

    def _sqlite_file(self) -> Path:
        path = self.blank_sqlite()
        schema.upgrade(f"sqlite:///{path}")
        return path
