from collections.abc import Callable

import pytest

from questline_persistence.memory.kept import Kept
from questline_persistence.memory.states import States
from questline_persistence.store import Database


@pytest.fixture
def open_states(database: Database) -> Callable[..., States]:
    """A function that opens what another tenant, or another key prefix, keeps in the test's store."""

    def open_one(namespace: str = "here", prefix: str = "") -> States:
        return States(Kept(database, namespace, prefix))

    return open_one


@pytest.fixture
def states(open_states: Callable[..., States]) -> States:
    """What agents keep in a fresh store."""
    return open_states()
