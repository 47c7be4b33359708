from collections.abc import Iterator

import pytest

from questline_scheduler import quest_types, step_defaults
from questline_worker.lords import lords
from tests.integration.worker.pools import Pool

#: Every way in which a pool is commonly set up.
SETTINGS = ("sqlite_memory", "postgres_valkey")


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test Lords, quest types and defaults of its own."""
    monkeypatch.setattr(lords, "_HANDLERS", {})
    monkeypatch.setattr(step_defaults, "_DEFAULTS", {})
    monkeypatch.setattr(quest_types, "_TYPES", {})


@pytest.fixture(params=SETTINGS)
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """A pool on SQLite and memory, and once more on PostgreSQL and Valkey."""
    yield from _pool(request, request.param)


@pytest.fixture
def sqlite_pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    yield from _pool(request, "sqlite_memory")


@pytest.fixture
def server_pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """A pool on PostgreSQL and Valkey."""
    yield from _pool(request, "postgres_valkey")


def _pool(request: pytest.FixtureRequest, kind: str) -> Iterator[Pool]:
    if kind == "sqlite_memory":
        pool = Pool(request.getfixturevalue("sqlite_url"), "memory://")
    else:
        pool = Pool(request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url"))
    try:
        yield pool
    finally:
        pool.close()
