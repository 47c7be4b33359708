"""What Lords remember, in the default store of the command line."""

from collections.abc import Iterator

import pytest

from questline_persistence.memory import Kept
from questline_persistence.store import Database
from tests.unit.questline.cli.conftest import CommandLine


@pytest.fixture
def kept(cli: CommandLine) -> Iterator[Kept]:
    """What is kept of the default namespace, without a key prefix."""
    database = Database(f"sqlite:///{cli.database}")
    yield Kept(database, "default")
    database.close()
