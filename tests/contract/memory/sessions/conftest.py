from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from questline_persistence.memory.files import FileStateManager, FileTodoListManager
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.sessions import DbStateManager, DbTodoListManager
from questline_persistence.store import Database
from tests.conftest import STORES
from tests.contract.memory.sessions.managers import Managers, OpenManagers
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED


@pytest.fixture(params=["files", *STORES])
def open_managers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenManagers]:
    """A function that opens managers of the test's store, once of each kind."""
    if request.param == "files":
        yield _in_files(tmp_path / "memory")
        return
    url: str = request.getfixturevalue(f"{request.param}_url")
    with ExitStack() as opened:
        yield _in_database(lambda: opened.enter_context(closing(Database(url))))
    assert_invariants(url, REMEMBERED)


@pytest.fixture
def managers(open_managers: OpenManagers) -> Managers:
    """The managers of a fresh store."""
    return open_managers()


@pytest.fixture
def kept(database: Database) -> Kept:
    """What is kept of one tenant in a fresh database."""
    return Kept(database, "here")


def _in_files(folder: Path) -> OpenManagers:
    def open_managers(*, namespace: str = "default", key_prefix: str | None = None) -> Managers:
        return Managers(
            FileStateManager(folder, namespace=namespace, key_prefix=key_prefix),
            FileTodoListManager(folder, namespace=namespace, key_prefix=key_prefix),
        )

    return open_managers


def _in_database(open_database: Callable[[], Database]) -> OpenManagers:
    def open_managers(*, namespace: str = "default", key_prefix: str | None = None) -> Managers:
        database = open_database()
        return Managers(
            DbStateManager(database, namespace=namespace, key_prefix=key_prefix),
            DbTodoListManager(database, namespace=namespace, key_prefix=key_prefix),
        )

    return open_managers
