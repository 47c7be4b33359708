"""Batches by HTTP: previewed, made, looked at, aborted; carried out by the loops."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.tenants import Tenant
from questline_persistence.audit import Actor
from questline_persistence.batches import BatchWork
from questline_persistence.keys import Keys
from questline_persistence.recovery import Bells
from questline_scheduler.doorbells import Ringer
from questline_scheduler.loops.batch_runner import BatchRunner
from tests.integration.gateway.test_quests import QUESTS, a_quest

BATCHES = "/api/v1/batches"


@pytest.fixture
def here(gateway: FastAPI) -> Tenant:
    found: Tenant = gateway.state.tenants.of("default")
    return found


def carry_out(here: Tenant) -> None:
    """Do what a scheduler does."""
    ringer = Ringer(here.client.broker, Bells(here.database, here.namespace))
    BatchRunner(BatchWork(here.database, here.namespace), ringer).run_once()


def asked(verb: str = "pause", **more: Any) -> dict[str, Any]:
    return {"verb": verb, "filter": {"labels": {"team": "billing"}}, **more}


def submit(http: TestClient, count: int) -> list[str]:
    sent = [http.post(QUESTS, json=a_quest(quest_id=f"q/{n}", labels={"team": "billing"})) for n in range(count)]
    return [answer.json()["quest_id"] for answer in sent]


def test_a_batch_is_previewed_made_and_carried_out(http: TestClient, here: Tenant) -> None:
    quests = submit(http, 2)

    preview = http.post(f"{BATCHES}/preview", json=asked()).json()
    made = http.post(BATCHES, json=asked(name="calm", reason="a look first"))
    carry_out(here)

    assert (preview["total"], preview["total_capped"], sorted(preview["quest_ids"])) == (2, False, quests)
    assert made.status_code == 201
    assert made.json()["filter"] == {"labels": {"team": "billing"}, "status": ["new", "running", "waiting"]}
    shown = http.get(made.headers["Location"]).json()
    assert (shown["name"], shown["state"], shown["done"], shown["changed"]) == ("calm", "done", 2, 2)
    assert (shown["door"], shown["reason"]) == ("http", "a look first")
    results = http.get(f"{BATCHES}/{shown['batch_id']}/results", params={"outcome": "changed", "limit": 1})
    assert [item["quest_id"] for item in results.json()["items"]] == quests[:1]
    assert results.json()["next_cursor"] in results.headers["Link"]
    assert [batch["batch_id"] for batch in http.get(BATCHES).json()["items"]] == [shown["batch_id"]]


def test_a_key_makes_one_batch(http: TestClient) -> None:
    submit(http, 1)
    key = {"Idempotency-Key": "calm-17"}
    first = http.post(BATCHES, json=asked(), headers=key)
    again = http.post(BATCHES, json=asked(), headers=key)
    other = http.post(BATCHES, json=asked("cancel"), headers=key)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == http.get(again.headers["Location"]).json()
    assert first.json()["idempotency_key"] == "calm-17"
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert len(http.get(BATCHES).json()["items"]) == 1


def test_a_done_batch_cannot_be_aborted_and_an_open_one_can(http: TestClient, here: Tenant) -> None:
    submit(http, 1)
    aborted = http.post(f"{BATCHES}/{http.post(BATCHES, json=asked()).json()['batch_id']}/abort")
    done = http.post(BATCHES, json=asked()).json()["batch_id"]
    carry_out(here)

    late = http.post(f"{BATCHES}/{done}/abort", json={"reason": "too late"})

    assert (aborted.status_code, aborted.json()["state"], aborted.json()["done"]) == (200, "aborted", 0)
    assert (late.status_code, late.json()["code"], late.json()["current"]["state"]) == (409, "conflict", "done")


@pytest.mark.parametrize(
    "body",
    [
        asked("explode"),
        {"verb": "pause", "filter": {}},
        asked(**{"from": "architect"}),
        {"verb": "pause", "filter": {"since": "yesterday"}},
        {"verb": "pause", "filter": {"colour": "red"}},
    ],
)
def test_what_makes_no_sense_is_refused(http: TestClient, body: dict[str, Any]) -> None:
    answer = http.post(BATCHES, json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "payload")
    assert http.get(BATCHES).json()["items"] == []


def test_to_delete_many_takes_as_much_as_to_delete_one(gateway: FastAPI, here: Tenant) -> None:
    secret = Keys(here.database, "default", Actor("tests")).create("ci", ["read", "control"]).secret
    steering = TestClient(gateway, headers={"Authorization": f"Bearer {secret}"})

    refused = [steering.post(path, json=asked("delete")).status_code for path in (BATCHES, f"{BATCHES}/preview")]

    assert refused == [403, 403]
    assert steering.post(BATCHES, json=asked()).status_code == 201


def test_corrections_are_shown_to_those_who_may_see_payloads(gateway: FastAPI, here: Tenant) -> None:
    keys = Keys(here.database, "default", Actor("tests"))
    body = asked("replay", set={"input_data.token": "s3cret"})
    answers = [
        TestClient(gateway, headers={"Authorization": f"Bearer {secret}"}).post(BATCHES, json=body)
        for payloads in (False, True)
        for secret in [keys.create("ci", ["control"], payloads=payloads).secret]
    ]

    assert [("s3cret" in answer.text, answer.status_code) for answer in answers] == [(False, 201), (True, 201)]
