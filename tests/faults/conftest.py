"""The fixtures of the suites that these tests go between, and servers that a test may harm."""

import secrets
from collections.abc import Iterator

import pytest

from tests.acceptance.recovery.conftest import project, server_project, sqlite_project
from tests.contract.conftest import bench, open_bench
from tests.integration.worker.conftest import pool, registry, server_pool, sqlite_pool
from tests.integration.worker.pools import Pool
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import ValkeyServer

__all__ = (
    "bench",
    "open_bench",
    "pool",
    "project",
    "registry",
    "server_pool",
    "server_project",
    "sqlite_pool",
    "sqlite_project",
)


@pytest.fixture
def fragile_broker_pool(postgres_url: str, valkey_server: ValkeyServer) -> Iterator[Pool]:
    """A pool on a Valkey that may be harmed, whatever broker the other tests use."""
    valkey_server.flush()
    pool = Pool(postgres_url, valkey_server.url)
    try:
        yield pool
    finally:
        valkey_server.flush()
        pool.close()


@pytest.fixture
def fragile_postgres(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a fresh database on our own PostgreSQL, which may be harmed."""
    name = f"questline_fault_{secrets.token_hex(6)}"
    postgres_server.start().create_database(name, template=request.getfixturevalue("postgres_template"))
    yield name
    postgres_server.start().drop_database(name)
