import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from tests.conftest import PostgresDatabases
from tests.failpoints.cells import Cell
from tests.failpoints.fork_server import ForkServer
from tests.failpoints.ground import Ground


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """The warm process that all victims are forked from."""
    server = ForkServer(tmp_path_factory.mktemp("fork_server"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_postgres_url(
    postgres_databases: Callable[[], PostgresDatabases], postgres_template: str
) -> Iterator[Callable[[], str]]:
    """A function that returns the URL of one database for all cells: each has its own namespace in it."""
    name = f"questline_failpoints_{secrets.token_hex(6)}"
    postgres_databases().create(name, template=postgres_template)
    yield lambda: postgres_databases().url(name)
    postgres_databases().drop(name)


@pytest.fixture
def blank_postgres(postgres_databases: Callable[[], PostgresDatabases]) -> Iterator[Callable[[], str]]:
    """A function that makes a database without tables."""
    made: list[str] = []

    def make() -> str:
        made.append(f"questline_failpoints_{secrets.token_hex(6)}")
        return postgres_databases().create(made[-1])

    yield make
    for name in made:
        postgres_databases().drop(name)


@pytest.fixture
def ground_for(  # noqa: PLR0917  (fixtures are asked for by their names)
    fork_server: ForkServer,
    tmp_path: Path,
    sqlite_template: Path,
    shared_postgres_url: Callable[[], str],
    blank_postgres: Callable[[], str],
    redis_url: str,
) -> Callable[[Cell, str], Ground]:
    """A function that makes the ground for a cell, in a namespace of its own."""

    def make(cell: Cell, namespace: str) -> Ground:
        blank = cell.point.startswith("migrate.") and cell.step == 1
        if cell.kind == "postgres_valkey":
            url = blank_postgres() if blank else shared_postgres_url()
            return Ground(url, redis_url, namespace, tmp_path, fork_server)
        path = tmp_path / f"{namespace}.db"
        if not blank:
            copyfile(sqlite_template, path)
        return Ground(f"sqlite:///{path}", "memory://", namespace, tmp_path, fork_server)

    return make
