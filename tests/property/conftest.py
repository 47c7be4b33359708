from collections.abc import Iterator

import pytest

from tests.conftest import STORES
from tests.contract.quests import Workbench, memory_bench


@pytest.fixture
def memory() -> Iterator[Workbench]:
    """A workbench on an SQLite store in memory."""
    with memory_bench() as bench:
        yield bench


@pytest.fixture(params=STORES)
def bench(request: pytest.FixtureRequest) -> Iterator[Workbench]:
    """A workbench on either store, the SQLite one in memory."""
    if request.param == "sqlite":
        yield request.getfixturevalue("memory")
        return
    bench = Workbench(request.getfixturevalue("postgres_url"))
    yield bench
    bench.close()
