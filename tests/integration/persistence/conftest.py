import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.conftest import _database_name
from tests.contract.quests import LONG, Workbench
from tests.integration.persistence.crowd import Crowd
from tests.integration.persistence.looks import Observer
from tests.servers.databases import PostgresDatabases


class Stores:
    """Stores with many quests, each made when it is first asked for and kept for the module's tests.

    Parameters:
      sqlite_template: an SQLite file with the newest schema.
      folder: where SQLite files are put.
      databases: returns the databases of a PostgreSQL server that runs.
      postgres_template: the name of a PostgreSQL database with the newest schema.
    """

    def __init__(
        self, sqlite_template: Path, folder: Path, databases: Callable[[], PostgresDatabases], postgres_template: str
    ) -> None:
        self._sqlite_template, self._folder = sqlite_template, folder
        self._databases, self._postgres_template = databases, postgres_template
        self._urls: dict[tuple[str, str, int], str] = {}
        self._open: dict[tuple[str, str, str, int], tuple[Workbench, Observer]] = {}
        self._made = ExitStack()

    def observed(self, dialect: str, statistics: str, plans: str, ended: int) -> tuple[Workbench, Observer]:
        """Return a workbench on such a store, and who observes its statements; parameters as of `url`.

        Parameters:
          plans: what PostgreSQL makes its plans for, "for these values" or "for any values".
        """
        key = (dialect, statistics, plans, ended)
        if key not in self._open:
            bench = Workbench(self.url(dialect, statistics, ended))
            self._made.callback(bench.close)
            self._open[key] = bench, Observer(bench.database, plans=plans)
            bench._journal = bench.worker(lease=LONG)
        return self._open[key]

    def url(self, dialect: str, statistics: str, ended: int) -> str:
        """Return the URL of a store with so many ended quests, and the others that go with them.

        Parameters:
          statistics: when the planner's were taken: "fresh", "of an empty store", "of a young store", or, for
            PostgreSQL, "of an emptied store", whose tickets had room for many and held none.
        """
        key = (dialect, statistics, ended)
        if key not in self._urls:
            self._urls[key] = self._sqlite() if dialect == "sqlite" else self._postgres()
            _fill(Workbench(self._urls[key]), statistics, ended)
        return self._urls[key]

    def close(self) -> None:
        """Drop the databases."""
        self._made.close()

    def _sqlite(self) -> str:
        return f"sqlite:///{shutil.copyfile(self._sqlite_template, self._folder / f'{len(self._urls)}.db')}"

    def _postgres(self) -> str:
        name = _database_name("crowd")
        self._made.callback(lambda: self._databases().drop(name))
        return self._databases().create(name, template=self._postgres_template)


def _fill(bench: Workbench, statistics: str, ended: int) -> None:
    if statistics == "of a young store":
        bench.claim(bench.submit("a", "b"), bench.worker(lease=LONG))  # it must not be swept in one of the tests
        bench.end("completed")
    if statistics == "of an emptied store":
        bench.end("completed")
        url = bench.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    elif statistics != "fresh":
        bench.execute("ANALYZE")
    bench.database.write(lambda connection: Crowd(ended).join(connection, bench.clock.now()))
    if statistics == "fresh":
        bench.execute("ANALYZE")
    bench.close()


@pytest.fixture(scope="module")
def stores(
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_databases: Callable[[], PostgresDatabases],
    postgres_template: str,
) -> Iterator[Stores]:
    """Stores with many quests."""
    stores = Stores(sqlite_template, tmp_path_factory.mktemp("crowds"), postgres_databases, postgres_template)
    yield stores
    stores.close()
