from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_persistence.errors import StoreUnavailable
from questline_persistence.settings import load
from questline_scheduler.client import QuestClient
from questline_scheduler.doorbells.memory_broker import MemoryBroker


def test_a_gateway_answers_the_probes_of_workers_and_says_no_more_than_it_must(gateway: FastAPI) -> None:
    http = TestClient(gateway)
    assert http.get("/livez").json() == http.get("/healthz").json() == {"alive": True}
    assert http.get("/readyz").json() == {
        "ready": True,
        "checks": [{"name": "database", "ready": True}, {"name": "broker", "ready": True}],
    }
    assert http.get("/version").json()["questline"]
    assert "/livez" not in http.get("/openapi.json").json()["paths"]


def test_a_gateway_without_its_broker_is_alive_and_not_ready(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: MemoryBroker) -> None:
        raise StoreUnavailable("no Redis at redis://:secret@internal")

    monkeypatch.setattr(MemoryBroker, "ping", away)
    app = create_app(load(database_url=sqlite_url, broker_url="memory://"))
    http = TestClient(app)
    answer = http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"][1] == {"name": "broker", "ready": False}
    assert "internal" not in answer.text
    assert http.get("/livez").status_code == 200
    app.state.tenants.close()


def test_a_gateway_tells_the_gauges_of_its_store(gateway: FastAPI) -> None:
    with QuestClient(namespace="default", database=gateway.state.tenants.database, broker_url="memory://") as client:
        client.submit({"quest_type": "t", "execution_stack": [{"lord_name": "a", "tool_name": "b", "queue": "mail"}]})
        answer = TestClient(gateway).get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert 'quest_queue_depth{queue="mail"} 1.0' in answer.text


def test_probes_are_not_logged_and_other_requests_are(gateway: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[Any] = []
    monkeypatch.setattr("questline_gateway.request_log.log.info", lambda _, **fields: logged.append(fields["path"]))
    http = TestClient(gateway)
    for path in ("/livez", "/readyz", "/metrics", "/version", "/api/v1/quests"):
        http.get(path)
    assert logged == ["/api/v1/quests"]


def test_probes_stand_under_the_path_of_the_gateway_too(sqlite_url: str) -> None:
    app = create_app(load(database_url=sqlite_url, broker_url="memory://", http_base_path="/quests"))
    http = TestClient(app)
    assert http.get("/quests/livez").json() == http.get("/livez").json() == {"alive": True}
    app.state.tenants.close()
