"""Costs and budgets by HTTP and on the dashboard."""

import pytest
from starlette.testclient import TestClient

from questline_persistence.claims import Claim
from questline_persistence.costs import Cost, Spending, Spent
from tests.contract.quests import Workbench

COST = {"input_tokens": 1_000, "output_tokens": 20, "usd": 0.5}


@pytest.fixture
def claim(sqlite_url: str) -> Claim:
    bench = Workbench(sqlite_url)
    claim = bench.claim(bench.submit("a", "b", quest_id="alpha", labels={"team": "red"}))
    Spending(bench.database, "default").note(Spent(claim, {"small": Cost(1_000, 20, 0.5)}))
    bench.close()
    return claim


@pytest.mark.usefixtures("claim")
def test_costs_are_listed_by_step_and_added_up(http: TestClient) -> None:
    steps = http.get("/api/v1/quests/alpha/costs").json()["items"]
    assert steps == [{"position": "0001", "lord_name": "a", "model": "small", **COST}]
    assert http.get("/api/v1/costs").json()["items"] == [{"name": "a", **COST}]
    assert http.get("/api/v1/costs?by=label&label=team").json()["items"] == [{"name": "red", **COST}]
    assert http.get("/api/v1/costs?by=label").status_code == 422
    assert http.get("/api/v1/stats").json()["cost"] == COST
    assert "$0.5000, 1,020 tokens" in http.get("/quests/alpha").text


def test_budgets_are_set_used_up_lifted_and_removed(http: TestClient, claim: Claim, sqlite_url: str) -> None:
    made = http.put("/api/v1/budgets", json={"scope": "type", "name": "test", "max_usd": 0.1})
    assert (made.status_code, made.json()["used_up"]) == (200, False)
    bench = Workbench(sqlite_url)
    Spending(bench.database, "default").note(Spent(claim, {"small": Cost(1_000, 20, 0.7)}))
    assert http.get("/api/v1/quests/alpha").json()["status"] == "pausing"
    bench.finish(claim)

    assert [one["cost"]["usd"] for one in http.get("/api/v1/lords").json()["items"]] == [0.7]
    page = http.get("/quests/alpha").text
    assert "questline resume alpha --budget" in page
    assert 'name="budget"' in http.get("/control/resume/alpha").text
    resumed = http.post("/api/v1/quests/alpha/resume", json={"budget": True})

    assert resumed.json()["status"] == "running"
    assert [(one["scope"], one["used_up"]) for one in http.get("/api/v1/budgets").json()["items"]] == [
        ("type", True),
        ("quest", False),
    ]
    assert http.delete("/api/v1/budgets?scope=type&name=test").status_code == 204
    assert http.delete("/api/v1/budgets?scope=type&name=test").status_code == 404
    assert http.put("/api/v1/budgets", json={"scope": "type", "name": "test"}).status_code == 422
    bench.close()
