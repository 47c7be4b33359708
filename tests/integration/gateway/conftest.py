"""The gateway in this process: no server, no port, each test with a store of its own."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_persistence.settings import load


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
