"""An executor on each kind of store, and Lords that wait at a gate."""

from collections.abc import Iterator

import pytest

from questline_persistence.records import QuestRepository
from questline_worker.executor import QuestExecutor
from tests.integration.worker.executor.gate import Gate


@pytest.fixture
def repo(database_url: str) -> Iterator[QuestRepository]:
    with QuestRepository(database_url) as repository:
        yield repository


@pytest.fixture
def executor(repo: QuestRepository) -> Iterator[QuestExecutor]:
    with QuestExecutor(repository=repo) as one:
        yield one


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()
