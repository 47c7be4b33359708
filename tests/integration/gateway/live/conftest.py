"""A gateway that serves, and a workbench on its store."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from questline_gateway.app import create_app
from questline_gateway.server import GatewayServer
from questline_persistence.settings import load
from tests.contract.quests import Workbench
from tests.integration.gateway.test_server import served


@pytest.fixture
def bench(database_url: str) -> Iterator[Workbench]:
    bench = Workbench(database_url)
    yield bench
    bench.close()


@pytest.fixture
def app(bench: Workbench) -> Iterator[FastAPI]:
    app = create_app(load(database_url=bench.url, broker_url="memory://", http_streams=250))
    yield app
    app.state.tenants.close()


@pytest.fixture
def server(app: FastAPI) -> Iterator[GatewayServer]:
    with served(app) as server:
        yield server
