"""A run history beside the workbench's quests, in one store."""

from collections.abc import Callable, Iterator

import pytest

from questline_persistence.memory.runs import RunHistory
from questline_persistence.store import Database
from tests.contract.memory.sessions.managers import wait
from tests.contract.quests import Workbench


@pytest.fixture
def open_history(bench: Workbench) -> Iterator[Callable[..., RunHistory]]:
    """A function that opens a run history on the workbench's store, for example of another namespace."""
    opened: list[RunHistory] = []

    def open_one(namespace: str = "default") -> RunHistory:
        opened.append(RunHistory(bench.database, namespace=namespace))
        return opened[-1]

    yield open_one
    for history in opened:
        wait(history.close())


@pytest.fixture
def history(open_history: Callable[..., RunHistory]) -> RunHistory:
    return open_history()


@pytest.fixture
def unreachable() -> Iterator[Database]:
    """A store that is away."""
    database = Database("postgresql://nobody@127.0.0.1:1/nowhere", patience=0)
    yield database
    database.close()
