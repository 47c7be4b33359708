"""The contexts of workflows on a fresh store of each kind."""

from collections.abc import Iterator

import pytest

from questline_persistence.memory.contexts import ContextPersistence


@pytest.fixture
def persistence(database_url: str) -> Iterator[ContextPersistence]:
    with ContextPersistence(database_url) as persistence:
        yield persistence
