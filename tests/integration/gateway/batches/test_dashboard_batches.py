"""The pages of batches: made from the list, looked at, aborted."""

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline import QuestClient, QuestFilter
from questline_gateway.tenants import Tenant
from tests.integration.gateway.batches.test_batches import carry_out
from tests.integration.gateway.dashboard_quests import EVIL, quest_of, run, text_of
from tests.integration.gateway.test_isolation import caller

ALL = {"all": "1", "type": "review"}


@pytest.fixture
def here(gateway: FastAPI) -> Tenant:
    found: Tenant = gateway.state.tenants.of("default")
    return found


@pytest.fixture
def client(here: Tenant) -> QuestClient:
    return here.client


def test_all_that_match_become_a_batch_with_its_page(http: TestClient, here: Tenant, client: QuestClient) -> None:
    client.submit_many([quest_of(1, f"many-{number:03}") for number in range(60)])
    client.submit(quest_of(1, "other", quest_type="other"))
    preview = http.post("/control", data={"verb": "cancel", **ALL}).text
    assert "Cancel 60 quests" in text_of(preview)
    assert "questline batch create cancel" in text_of(preview)
    assert client.batches.list().items == []
    sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', preview))
    fields = {**sent, "status": ["new", "running", "waiting", "pausing", "paused"], "name": EVIL, "reason": EVIL}

    made = http.post("/batches", data={**fields, "action": "do"}, follow_redirects=False)
    page = http.get(made.headers["location"]).text
    assert f"{EVIL}" in text_of(page)
    assert EVIL not in page
    assert "data-ended" not in page
    carry_out(here)
    assert "60 of 60 quests" in text_of(http.get(made.headers["location"]).text)
    assert "data-ended" in http.get(made.headers["location"]).text
    assert client.repository.status("other") == "new"
    assert EVIL in text_of(http.get("/batches").text)


def test_what_was_refused_stands_first(http: TestClient, here: Tenant, client: QuestClient) -> None:
    client.submit(quest_of(1, "a"))
    run(client.repository, quest_of(1, "b"))
    made = client.batches.create("cancel", QuestFilter(["new", "completed"]))
    carry_out(here)
    page = text_of(http.get(f"/batches/{made.batch_id}").text)
    assert page.index("Refusedb") < page.index("Changeda")
    only = text_of(http.get(f"/batches/{made.batch_id}?outcome=changed").text)
    assert "Changeda" in only
    assert "Refusedb" not in only
    assert http.get(f"/batches/{made.batch_id}?outcome=odd").status_code == 400


def test_a_batch_is_aborted_with_a_reason_and_once_done_is_not(
    http: TestClient, here: Tenant, client: QuestClient
) -> None:
    client.submit(quest_of(1, "a"))
    made = client.batches.create("cancel", QuestFilter("new"))
    assert "Abort" in http.get(f"/batches/{made.batch_id}/abort").text
    http.post(f"/batches/{made.batch_id}/abort", data={"reason": "the wrong ones"})
    assert client.batches.get(made.batch_id).state == "aborted"
    done = client.batches.create("cancel", QuestFilter("new"))
    carry_out(here)
    assert http.post(f"/batches/{done.batch_id}/abort", data={"reason": "late"}).status_code == 409
    assert http.get("/batches/nope").status_code == 404


def test_a_filter_of_nothing_means_what_the_verb_can_be_done_to(http: TestClient, client: QuestClient) -> None:
    client.submit(quest_of(1, "a"))
    answer = http.post("/control", data={"verb": "pause", "all": "1", "since": "any"})
    assert answer.status_code == 200
    assert "Pause 1 quest" in text_of(answer.text)


@pytest.mark.parametrize(
    ("scopes", "verb", "status"),
    [
        (("read",), "pause", 403),
        (("read", "control"), "pause", 200),
        (("read", "control"), "delete", 403),
        (("admin",), "delete", 200),
    ],
)
def test_a_batch_takes_the_scope_that_its_verb_takes(
    gateway: FastAPI, client: QuestClient, scopes: tuple[str, ...], verb: str, status: int
) -> None:
    client.submit(quest_of(1, "a"))
    batch = client.batches.create("pause", QuestFilter("new"))
    ours = caller(gateway, *scopes)
    for path in ("/batches", "/control"):
        assert ours.post(path, data={"verb": verb, **ALL, "action": "do"}).status_code == status, path
    abort = ours.post(f"/batches/{batch.batch_id}/abort", data={"reason": "no"})
    assert abort.status_code == (403 if scopes == ("read",) else 200)


def test_i11_a_batch_of_another_namespace_is_not_there(gateway: FastAPI) -> None:
    theirs = gateway.state.tenants.of("theirs").client
    theirs.submit(quest_of(1, "a"))
    batch = theirs.batches.create("pause", QuestFilter("new"), name="secret")
    ours = caller(gateway, "admin")
    assert ours.get(f"/batches/{batch.batch_id}").status_code == 404
    assert ours.post(f"/batches/{batch.batch_id}/abort").status_code == 404
    assert "secret" not in ours.get("/batches").text
