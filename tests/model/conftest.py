from collections.abc import Iterator

import pytest

from tests.contract.quests import Workbench, memory_bench


@pytest.fixture
def memory() -> Iterator[Workbench]:
    """A workbench on an SQLite store in memory."""
    with memory_bench() as bench:
        yield bench
