"""A repository, and an executor on it, on each kind of store."""

from collections.abc import Iterator

import pytest

from questline_persistence.records import QuestRepository
from questline_worker.executor import QuestExecutor


@pytest.fixture
def repo(database_url: str) -> Iterator[QuestRepository]:
    with QuestRepository(database_url) as repository:
        yield repository


@pytest.fixture
def executor(repo: QuestRepository) -> Iterator[QuestExecutor]:
    with QuestExecutor(repository=repo) as one:
        yield one
