"""A store that encrypts, and a word that must stand nowhere in it in clear."""

from collections.abc import Callable, Iterator

import pytest

from questline_persistence.payload import CLEAR
from questline_persistence.schema.metadata import METADATA
from questline_persistence.store import Database
from tests.contract.quests import Workbench
from tests.payload_codec import sealing

CANARY = "canary-7f3a"


@pytest.fixture
def bench(open_bench: Callable[..., Workbench]) -> Iterator[Workbench]:
    """A workbench on a store that encrypts; nothing that its tests write of the canary may stand there in clear."""
    bench = open_bench(codec=sealing("alpha"))
    yield bench
    assert CANARY not in stored(bench.database)


@pytest.fixture
def keyless(open_bench: Callable[..., Workbench]) -> Workbench:
    """A workbench on the same store that has no key."""
    return open_bench(codec=CLEAR)


def stored(database: Database) -> str:
    """Return all that a store holds, as it holds it."""
    rows = database.read(
        lambda connection: [list(connection.exec_driver_sql(f"SELECT * FROM {name}")) for name in METADATA.tables]
    )
    return str(rows)
