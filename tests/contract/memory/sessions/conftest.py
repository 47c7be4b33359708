from pathlib import Path

import pytest

from questline_persistence.memory.files import FileStateManager, FileTodoListManager
from tests.contract.memory.sessions.managers import Managers, OpenManagers


def _in_files(folder: Path) -> OpenManagers:
    def open_managers(*, namespace: str = "default", key_prefix: str | None = None) -> Managers:
        return Managers(
            FileStateManager(folder, namespace=namespace, key_prefix=key_prefix),
            FileTodoListManager(folder, namespace=namespace, key_prefix=key_prefix),
        )

    return open_managers


@pytest.fixture(params=["files"])
def open_managers(request: pytest.FixtureRequest, tmp_path: Path) -> OpenManagers:
    """A function that opens managers of the test's store, once of each kind."""
    kinds = {"files": lambda: _in_files(tmp_path / "memory")}
    return kinds[request.param]()


@pytest.fixture
def managers(open_managers: OpenManagers) -> Managers:
    """The managers of a fresh store."""
    return open_managers()
