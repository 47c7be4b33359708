"""The gateway in this process: no server, no port, each test with a store of its own."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline import QuestClient
from questline_gateway.app import create_app
from questline_persistence.records import QuestRepository
from questline_persistence.settings import load
from tests.integration.gateway.dashboard_quests import quest_of, run


@pytest.fixture
def gateway(sqlite_url: str) -> Iterator[FastAPI]:
    """The application, over a fresh SQLite file."""
    app = create_app(load(database_url=sqlite_url, broker_url="memory://"))
    yield app
    app.state.tenants.close()


@pytest.fixture
def http(gateway: FastAPI) -> TestClient:
    """Whoever calls it."""
    return TestClient(gateway)


@pytest.fixture
def both(database_url: str) -> Iterator[TestClient]:
    """Whoever calls one over SQLite, then one over PostgreSQL."""
    app = create_app(load(database_url=database_url, broker_url="memory://"))
    yield TestClient(app)
    app.state.tenants.close()


@pytest.fixture
def client(gateway: FastAPI) -> QuestClient:
    """The client of the namespace that is looked at."""
    tenants = gateway.state.tenants
    client: QuestClient = tenants.of("default").client
    return client


@pytest.fixture
def ended(client: QuestClient) -> QuestRepository:
    """The records, with a quest that has failed and one that is completed."""
    repository = client.repository
    run(repository, quest_of(1, "good"), quest_of(50, "bad"))
    assert repository.status("bad") == "failed"
    return repository
