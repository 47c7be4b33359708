"""The routes that the seeds name: quests in the fewest words, and the run history."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_persistence.errors import StoreUnavailable
from questline_persistence.settings import load
from questline_scheduler import quest_types, step_defaults
from questline_scheduler.quest_types import quest_type
from questline_worker.lords import LordContext, lord, lords
from tests.integration.gateway.test_quests import a_quest
from tests.integration.worker.pools import Pool


@pytest.fixture
def pool(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A worker that knows how to reach a goal."""
    monkeypatch.setattr(lords, "_HANDLERS", {})
    monkeypatch.setattr(step_defaults, "_DEFAULTS", {})
    monkeypatch.setattr(quest_types, "_TYPES", {})

    @quest_type("goal")
    def goal(_: dict[str, Any]) -> list[str]:
        return ["planner:plan"]

    @lord("planner", "plan")
    def plan(_: LordContext, goal: str) -> str:
        return goal.upper()

    pool = Pool(sqlite_url, "memory://")
    pool.start()
    yield pool
    pool.close()


@pytest.fixture
def goals(pool: Pool) -> Iterator[FastAPI]:
    app = create_app(load(database_url=pool.database_url, broker_url="memory://", run_quest_type="goal"))
    yield app
    app.state.tenants.close()


def test_a_quest_is_submitted_and_waited_for(goals: FastAPI) -> None:
    http = TestClient(goals)
    done = http.post("/quest/submit", json={"quest_type": "goal", "input_data": {"goal": "read"}}).json()

    assert (done["status"], done["output"]) == ("completed", "READ")
    assert http.get(f"/quest/{done['quest_id']}").json() == {
        "quest_id": done["quest_id"],
        "status": "completed",
        "progress": {"completed": 1, "remaining": 0},
    }


def test_a_preference_to_wait_is_kept_until_the_quest_has_ended(goals: FastAPI) -> None:
    quest = {"quest_type": "goal", "input_data": {"goal": "read"}}

    made = TestClient(goals).post("/api/v1/quests", json=quest, headers={"Prefer": "wait=900"})

    assert made.headers["Preference-Applied"] == "wait=60"
    assert (made.json()["status"], made.json()["output_data"]) == ("completed", "READ")


def test_a_goal_is_planned_executed_recorded_and_found(goals: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    http = TestClient(goals)
    ran = http.post("/api/v1/run", json={"goal": "read"}, headers={"X-Request-ID": "request-7"}).json()

    assert set(ran) == {"run_id", "plan_result", "execution_result"}
    assert (ran["execution_result"]["success"], ran["execution_result"]["output"]) == (True, "READ")
    listed = http.get("/api/v1/runs").json()
    assert ([run["run_id"] for run in listed["runs"]], listed["limit"], listed["offset"]) == ([ran["run_id"]], 20, 0)
    assert http.get(f"/api/v1/runs/{ran['run_id']}").json()["run"]["plan_result"] == ran["plan_result"]
    (line,) = [record.getMessage() for record in caplog.records if "run_persisted" in record.getMessage()]
    assert f"run_id={ran['run_id']}" in line
    assert "request_id=request-7" in line


def test_a_run_that_cannot_be_recorded_is_an_error_of_the_server(
    goals: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr("questline_scheduler.client.client.QuestClient.submit", refuse)
    answer = TestClient(goals).post("/api/v1/run", json={"goal": "read"})

    assert (answer.status_code, answer.json()["detail"]) == (500, "the disk is full")


def test_the_run_history_keeps_to_its_bounds(http: TestClient) -> None:
    assert http.get("/api/v1/runs?limit=101").status_code == 422
    assert http.get("/api/v1/runs?offset=10001").status_code == 422
    assert http.get("/api/v1/runs/none").status_code == 404
    assert http.get("/api/v1/runs?limit=100&offset=3").json() == {"runs": [], "limit": 100, "offset": 3}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_run_history_only_reads(http: TestClient, method: str) -> None:
    assert getattr(http, method)("/api/v1/runs").status_code == 405
    assert getattr(http, method)("/api/v1/runs/some").status_code == 405


def test_no_goal_is_run_where_no_type_is_named_for_it(http: TestClient) -> None:
    assert http.post("/api/v1/run", json={"goal": "read"}).status_code == 404
    assert http.post("/api/v1/run", json={"aim": "read"}).status_code == 422


def test_a_submission_can_do_without_waiting(http: TestClient) -> None:
    made = http.post("/quest/submit?wait=0", json=a_quest(quest_id="q-1")).json()

    assert made == {"quest_id": "q-1", "status": "new", "output": None}
    assert http.get("/quest/q-1").json()["progress"] == {"completed": 0, "remaining": 2}
    assert http.post("/quest/submit?wait=61", json=a_quest()).status_code == 422
    assert http.get("/quest/none").status_code == 404
