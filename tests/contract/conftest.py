from collections.abc import Callable, Iterator

import pytest

from questline_persistence.payload import Codec
from tests.contract.quests import Workbench


@pytest.fixture
def open_bench(database_url: str) -> Iterator[Callable[..., Workbench]]:
    """A function that opens another workbench on the test's store, for example for another namespace."""
    opened: list[Workbench] = []

    def open_one(namespace: str = "default", codec: Codec | None = None) -> Workbench:
        opened.append(Workbench(database_url, namespace, codec))
        return opened[-1]

    yield open_one
    for bench in opened:
        bench.close()


@pytest.fixture
def bench(open_bench: Callable[..., Workbench]) -> Iterator[Workbench]:
    """A workbench on a fresh store; the invariants are checked when the test is over."""
    bench = open_bench()
    yield bench
    bench.check()
