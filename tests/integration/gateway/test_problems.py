"""Errors by HTTP: problems with the command line's codes, and never a traceback."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_persistence.settings import load
from questline_persistence.store import open_database
from tests.integration.gateway.test_quests import QUESTS, a_quest


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nowhere", 404, "not_found"),
        (f"{QUESTS}/none", 404, "not_found"),
        (f"{QUESTS}/none/steps", 404, "not_found"),
        (f"{QUESTS}?status=bad", 422, "payload"),
        (f"{QUESTS}?label=bad", 422, "payload"),
        (f"{QUESTS}?since=tomorrow", 422, "payload"),
        (f"{QUESTS}?limit=501", 422, "payload"),
        (f"{QUESTS}?cursor=none", 422, "payload"),
    ],
)
def test_what_is_wrong_is_told_with_the_code_of_the_command_line(
    http: TestClient, path: str, status: int, code: str
) -> None:
    answer = http.get(path, headers={"X-Request-ID": "mine"})

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["request_id"]) == (status, code, "mine")
    assert problem["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"quest_type": "unknown"}, 422),
        ({"quest_type": "build", "colour": "red"}, 422),
        ([], 422),
        ("{", 422),
        ("[" * 100_000, 400),
    ],
)
def test_a_body_that_is_no_quest_is_refused(http: TestClient, body: Any, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    sent: dict[str, Any] = {"content": body, "headers": headers} if isinstance(body, str) else {"json": body}

    answer = http.post(QUESTS, **sent)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_large_is_refused(sqlite_url: str, *, told: bool) -> None:
    app = create_app(load(database_url=sqlite_url, max_input_bytes=1_000, max_stack_bytes=1_000))
    body = b"x" * 10_000

    answer = TestClient(app).post(
        QUESTS, content=body if told else iter([body] * 3), headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    app.state.tenants.close()


def test_a_conflict_tells_the_present_state(http: TestClient) -> None:
    http.post(QUESTS, json=a_quest(quest_id="q-1"))

    answer = http.post(QUESTS, json=a_quest(quest_id="q-1"))

    assert answer.status_code == 409
    assert answer.json()["current"]["status"] == "new"


def test_a_store_that_is_away_is_told_as_such() -> None:
    chosen = load(database_url="postgresql://nobody@127.0.0.1:1/none", broker_url="memory://")
    database = open_database(chosen=chosen, patience=0.1)
    app = create_app(chosen, database=database)

    answer = TestClient(app).get(QUESTS)

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    app.state.tenants.close()
    database.close()


def test_what_nobody_foresaw_shows_no_traceback(gateway: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    @gateway.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret words")

    answer = TestClient(gateway).get("/broken", headers={"X-Request-ID": "mine"})

    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert "secret" not in answer.text
    assert "RuntimeError: secret words" in caplog.text
    assert "mine" in caplog.text


@pytest.mark.parametrize("given", ["a b", "x" * 200, "new\tline", "é"])
def test_an_id_that_no_log_should_hold_is_replaced(http: TestClient, given: str) -> None:
    answer = http.get(QUESTS, headers=[(b"X-Request-ID", given.encode())])

    assert answer.headers["X-Request-ID"] != given
    assert answer.headers["X-Request-ID"].isalnum()


def test_a_body_without_its_type_is_told_what_to_send(http: TestClient) -> None:
    answer = http.post(QUESTS, content=b"{}")

    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["hint"]


def test_a_path_forges_no_line_in_the_log_of_a_program_that_mounts_it(
    http: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "questline_gateway"):
        http.get("/absent%0Ahttp_request%20forged%1B%5B2J")

    (told,) = (text for text in caplog.messages if "absent" in text)
    assert told.isprintable()
    assert "path=/absent%0Ahttp_request%20forged%1B%5B2J" in told
