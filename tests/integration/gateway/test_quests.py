"""Quests by HTTP: submitted, listed, looked at; the objects are those of the command line."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.api import quests as api_quests
from questline_gateway.app import create_app
from questline_persistence.records import explained_quest
from questline_persistence.settings import load

QUESTS = "/api/v1/quests"


def a_quest(**more: Any) -> dict[str, Any]:
    steps = [{"lord_name": "architect", "tool_name": "design"}, {"lord_name": "smith", "tool_name": "forge"}]
    return {"quest_type": "build", "execution_stack": steps, **more}


def test_a_submitted_quest_is_the_object_of_the_command_line(gateway: FastAPI, http: TestClient) -> None:
    made = http.post(QUESTS, json=a_quest(input_data={"n": 2**70}, labels={"team": "billing"}))

    assert made.status_code == 201
    quest_id = made.json()["quest_id"]
    assert made.headers["Location"] == f"{QUESTS}/{quest_id}"
    shown = http.get(made.headers["Location"])
    repository = gateway.state.tenants.of("default").repository
    assert shown.json() == explained_quest(repository, quest_id).to_json()
    assert shown.json()["input_data"] == {"n": 2**70}
    assert shown.headers["ETag"] == '"0"'


def test_a_key_submits_once(http: TestClient) -> None:
    key = {"Idempotency-Key": "order-17"}
    first = http.post(QUESTS, json=a_quest(), headers=key)
    again = http.post(QUESTS, json=a_quest(), headers=key)
    other = http.post(QUESTS, json=a_quest(input_data={"n": 1}), headers=key)
    given = http.post(QUESTS, json=a_quest(input_data={"n": 1}), headers=key, params={"on_conflict": "return"})
    two = http.post(QUESTS, json=a_quest(idempotency_key="another"), headers=key)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["quest_id"] == again.json()["quest_id"] == given.json()["quest_id"]
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert two.status_code == 422


def test_a_wait_ends_with_its_time_and_answers_the_quest_as_it_is(http: TestClient) -> None:
    made = http.post(QUESTS, json=a_quest(), headers={"Prefer": "respond-async, wait=0"})

    assert made.status_code == 201
    assert made.headers["Preference-Applied"] == "wait=0"
    assert made.json()["status"] == "new"


def test_pages_hang_together_and_keep_their_filter(both: TestClient) -> None:
    ids = [
        both.post(QUESTS, json=a_quest(quest_id=f"q-{number}", labels={"odd": str(number % 2)})).json()["quest_id"]
        for number in range(5)
    ]
    both.post(QUESTS, json={**a_quest(quest_id="other"), "quest_type": "other"})
    first = both.get(QUESTS, params={"type": "build", "limit": 3, "since": "1h"})
    following = both.get(first.headers["Link"].removeprefix("<").partition(">")[0])

    assert [quest["quest_id"] for quest in first.json()["items"]] == ids[:1:-1]
    assert [quest["quest_id"] for quest in following.json()["items"]] == ids[1::-1]
    assert following.json()["next_cursor"] is None
    labelled = both.get(QUESTS, params={"label": "odd=1", "status": ["new", "running"]}).json()["items"]
    assert [quest["quest_id"] for quest in labelled] == ["q-3", "q-1"]


def test_a_list_goes_in_the_order_that_is_asked_for(both: TestClient) -> None:
    ids = [both.post(QUESTS, json=a_quest(quest_id=f"q-{number}")).json()["quest_id"] for number in range(3)]
    both.post(f"{QUESTS}/q-1/pause")
    listed = {
        sort: both.get(QUESTS, params={"sort": sort}).json()["items"] for sort in ("oldest", "updated", "waiting")
    }

    assert [quest["quest_id"] for quest in listed["oldest"]] == ids
    assert [quest["quest_id"] for quest in listed["updated"]] == ["q-1", "q-2", "q-0"]
    assert [quest["quest_id"] for quest in listed["waiting"]] == ["q-0", "q-2", "q-1"]
    assert both.get(QUESTS, params={"sort": "random"}).status_code == 422


def test_a_page_that_looked_at_enough_is_short_and_has_a_next(
    http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_quests, "MAX_PASSED", 2)
    for number in range(3):
        http.post(QUESTS, json=a_quest(quest_id=f"q-{number}", queue="old" if number == 0 else "default"))
    first = http.get(QUESTS, params={"queue": "old"}).json()
    second = http.get(QUESTS, params={"queue": "old", "cursor": first["next_cursor"]}).json()

    assert first["items"] == []
    assert [quest["quest_id"] for quest in second["items"]] == ["q-0"]
    assert second["next_cursor"] is None


def test_an_empty_list_is_a_list(http: TestClient) -> None:
    assert http.get(QUESTS).json() == {"items": [], "next_cursor": None}


def test_ids_may_be_short_and_hold_slashes(http: TestClient) -> None:
    http.post(QUESTS, json=a_quest(quest_id="report/2026-11"))

    for name in ("report%2F2026-11", "report/2026-11", "report", "@last", "@last:build"):
        assert http.get(f"{QUESTS}/{name}").json()["quest_id"] == "report/2026-11"
        assert http.get(f"{QUESTS}/{name}/why").json()["cause"] == "no_worker"


def test_what_a_quest_has_been_through_is_told_in_pages(http: TestClient) -> None:
    http.post(QUESTS, json=a_quest(quest_id="q-1"))

    steps = http.get(f"{QUESTS}/q-1/steps").json()["items"]
    assert [(step["lord_name"], step["status"]) for step in steps] == [("architect", "queued"), ("smith", "pending")]
    assert http.get(f"{QUESTS}/q-1/runs").json() == {"items": [], "next_cursor": None}
    (head,) = http.get(f"{QUESTS}/q-1/snapshots").json()["items"]
    assert "run_data" not in head
    whole = http.get(f"{QUESTS}/q-1/snapshots/{head['version']}").json()
    assert (whole["run_data"], len(whole["execution_stack"])) == ({}, 2)
    assert http.get(f"{QUESTS}/q-1/snapshots/7").status_code == 404


def test_a_store_that_is_not_there_yet_is_made_by_the_first_request(blank_sqlite_url: str) -> None:
    app = create_app(load(database_url=blank_sqlite_url, broker_url="memory://"))
    for path in ("/", QUESTS):
        assert TestClient(app).get(path).status_code == 200
    app.state.tenants.close()
