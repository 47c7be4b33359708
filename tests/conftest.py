"""The fixtures that every test may ask for: servers, started when the first test needs them, and clean stores.

A missing server is a failure, never a skip. `QUESTLINE_TEST_PG_URL` (a superuser's database) and
`QUESTLINE_TEST_REDIS_URL` name servers to use instead of our own; a test that stops or restarts a server asks for
`valkey_server` or `postgres_server`, takes its URLs from there, and always gets our own. `QUESTLINE_TEST_POOLER` puts a
PgBouncer that shares sessions in front of PostgreSQL; `QUESTLINE_TEST_CODEC` has every store encrypt its payloads.
"""

import gc
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from hypothesis import HealthCheck, settings

from questline_persistence.store import Database
from tests import compiled_statements, payload_codec
from tests.servers.databases import PostgresDatabases
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import ValkeyServer
from tests.servers.valkey_cluster import ValkeyCluster

STORES = ("sqlite", "postgres")

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

compiled_statements.share()

#: Where what is written stays in memory, and the bytes that must be free there: a run writes a fifth of that.
MEMORY, ROOM = Path("/dev/shm"), 8 * 1024**3  # noqa: S108  every run makes a folder of its own in it


def pytest_configure() -> None:
    """Keep what tests write in memory, unless somebody says where: a disk takes longer to sync it than they take.

    And switch the codec on where it is asked for.
    """
    if "TMPDIR" not in os.environ and _holds_programs(MEMORY) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None
    if os.environ.get("QUESTLINE_TEST_CODEC"):
        payload_codec.switch_on()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that may take longest, so that all processes do not wait for one of them at the end."""
    items.sort(key=_patience, reverse=True)


def _patience(item: pytest.Item) -> float:
    """Return how many seconds a test may take if it says so itself."""
    mark = item.get_closest_marker("timeout")
    return mark.args[0] if mark else 0


def pytest_collection_finish() -> None:
    """Spare the garbage collector the half million objects that stay to the end: modules, and thousands of tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """Our own Valkey, one per test process. Whoever stops or pauses it need not bring it back."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Our own PostgreSQL, one per test process. Whoever stops it need not bring it back."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[ValkeyCluster]:
    """A cluster of our own, one per test process."""
    with ValkeyCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster_url(valkey_cluster: ValkeyCluster) -> str:
    """The URL of one node of an empty cluster."""
    valkey_cluster.flush()
    return valkey_cluster.urls[0]


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty Redis database."""
    if given := os.environ.get("QUESTLINE_TEST_REDIS_URL"):
        url = urlsplit(given)._replace(path=f"/{_process_number()}").geturl()
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return url
    server: ValkeyServer = request.getfixturevalue("valkey_server")
    server.flush()
    return server.url


@pytest.fixture(scope="session")
def postgres_databases(request: pytest.FixtureRequest) -> Iterator[Callable[[], PostgresDatabases]]:
    """A function that returns the databases of a server that runs at that moment."""
    if given := os.environ.get("QUESTLINE_TEST_PG_URL"):
        with closing(PostgresDatabases(given)) as databases:
            yield lambda: databases
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    yield lambda: server.start().databases


@pytest.fixture(scope="session")
def postgres_template(postgres_databases: Callable[[], PostgresDatabases]) -> Iterator[str]:
    """The name of a database with the newest schema and no rows, to be copied."""
    name = _database_name("template")
    migrate(postgres_databases().create(name))
    yield name
    postgres_databases().drop(name)


@pytest.fixture(scope="session")
def pooled(postgres_databases: Callable[[], PostgresDatabases]) -> Iterator[Callable[[str], str]]:
    """A function that returns the URL by which tests reach a PostgreSQL database."""
    if not os.environ.get("QUESTLINE_TEST_POOLER"):
        yield lambda url: url
        return
    with PgBouncer(postgres_databases().url("postgres")) as pooler:
        yield pooler.through


@pytest.fixture
def postgres_url(
    postgres_databases: Callable[[], PostgresDatabases], postgres_template: str, pooled: Callable[[str], str]
) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database with the newest schema."""
    yield from map(pooled, _database(postgres_databases, postgres_template))


@pytest.fixture
def blank_postgres_url(
    postgres_databases: Callable[[], PostgresDatabases], pooled: Callable[[str], str]
) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database without any table."""
    yield from map(pooled, _database(postgres_databases, "template0"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the newest schema and no rows, to be copied."""
    folder = tmp_path_factory.mktemp("sqlite")
    migrated, template = folder / "migrated.db", folder / "template.db"
    migrate(f"sqlite:///{migrated}")
    with closing(sqlite3.connect(migrated)) as source, closing(sqlite3.connect(template)) as target:
        source.backup(target)  # one file, whatever the journal mode
    return template


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite file with the newest schema."""
    path = shutil.copyfile(sqlite_template, tmp_path / "questline.db")
    return f"sqlite:///{path}"


@pytest.fixture
def blank_sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'blank.db'}"


@pytest.fixture(params=STORES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh store with the newest schema: the contract suites run once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Such a store, opened."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture(params=STORES)
def blank_database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh store without any table, once of each kind."""
    url: str = request.getfixturevalue(f"blank_{request.param}_url")
    return url


def migrate(url: str) -> None:
    """Bring a store to the newest schema."""
    from questline_persistence.schema.revisions import upgrade  # noqa: PLC0415  Alembic is slow; most unit tests need no store

    upgrade(url)


def _database(databases: Callable[[], PostgresDatabases], template: str) -> Iterator[str]:
    name = _database_name("test")
    yield databases().create(name, template=template)
    databases().drop(name)


def _database_name(purpose: str) -> str:
    """A name that no other test process uses, also on a shared server."""
    return f"questline_{purpose}_{secrets.token_hex(6)}"


def _holds_programs(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_NOEXEC


def _process_number() -> int:
    """The number of this pytest-xdist process, which is also its Redis database on a shared server."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
