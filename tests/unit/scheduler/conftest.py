from collections.abc import Iterator

import pytest

from questline_scheduler import quest_types, step_defaults
from tests.contract.quests import Workbench


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test quest types and defaults of its own."""
    monkeypatch.setattr(step_defaults, "_DEFAULTS", {})
    monkeypatch.setattr(quest_types, "_TYPES", {})


@pytest.fixture
def bench(sqlite_url: str) -> Iterator[Workbench]:
    """A store with every part of it at hand, and a clock that stands still."""
    bench = Workbench(sqlite_url)
    yield bench
    bench.check()
    bench.close()
