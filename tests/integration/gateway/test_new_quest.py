"""The form of a new quest, as a browser without scripts sends it."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline import LordStep, QuestClient, quest_type
from questline_scheduler import quest_types
from tests.integration.gateway.dashboard_quests import EVIL, text_of
from tests.integration.gateway.test_security import log_in, new_key


@pytest.fixture(autouse=True)
def types(monkeypatch: pytest.MonkeyPatch) -> None:
    """One registered type, which refuses an input without a topic."""
    monkeypatch.setattr(quest_types, "_TYPES", {})

    @quest_type("report")
    def report(data: dict[str, object]) -> list[LordStep]:
        """Write a report on a topic.

        Nobody sees this line.
        """
        if "topic" not in data:
            raise ValueError("a report needs a topic")
        return [LordStep("scribe", "write")]


@pytest.fixture
def client(gateway: FastAPI) -> QuestClient:
    """The client of the namespace that is looked at."""
    client: QuestClient = gateway.state.tenants.of("default").client
    return client


FORM = {"type": "report", "input": '{"topic": "whales"}', "token": "t1"}


def test_a_form_submits_a_quest_and_shows_it(http: TestClient, client: QuestClient) -> None:
    more = {"labels": "team = red\n\nsize=1=2", "queue": "slow", "steps": " a:one \nb:two"}
    answer = http.post("/submit", data=FORM | more, follow_redirects=False)

    assert answer.status_code == 303
    made = client.get(answer.headers["location"].removeprefix("/quests/"))
    assert (made.quest_type, made.input_data, made.queue) == ("report", {"topic": "whales"}, "slow")
    assert made.labels == {"team": "red", "size": "1=2"}
    assert [(step.lord_name, step.tool_name) for step in made.execution_stack] == [("a", "one"), ("b", "two")]
    assert http.get(answer.headers["location"]).status_code == 200


def test_a_form_that_is_sent_twice_is_one_quest_and_a_changed_one_another(
    http: TestClient, client: QuestClient
) -> None:
    places = {http.post("/submit", data=FORM, follow_redirects=False).headers["location"] for _ in range(2)}
    changed = http.post("/submit", data=FORM | {"input": '{"topic": "squids"}'}, follow_redirects=False)

    assert len(places) == 1
    assert changed.headers["location"] not in places
    assert len(client.repository.page().items) == 2


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"input": "{topic"}, "the input is not JSON"),
        ({"input": "[1]"}, "input_data"),
        ({"input": ""}, "refuses this input: a report needs a topic"),
        ({"type": f"reprot{EVIL}"}, "quest_type"),
        ({"type": "reprot"}, "unknown quest type 'reprot'"),
        ({"labels": "red"}, "'red' is no label"),
        ({"steps": "scribe"}, "scribe"),
    ],
)
def test_what_cannot_be_submitted_is_told_and_stays_in_the_form(
    http: TestClient, client: QuestClient, fields: dict[str, str], told: str
) -> None:
    answer = http.post("/submit", data=FORM | {"queue": "kept"} | fields)

    assert answer.status_code == 400
    assert told in text_of(answer.text)
    assert EVIL not in answer.text
    assert 'value="kept"' in answer.text
    assert client.repository.page().items == []


def test_the_form_names_the_types_and_what_they_do(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "report Write a report on a topic." in text_of(http.get("/submit").text)
    assert "Nobody" not in http.get("/submit").text
    assert "questline submit --type report --wait" in text_of(http.get("/").text)
    monkeypatch.setattr(quest_types, "_TYPES", {})
    assert "This gateway knows no type" in text_of(http.get("/submit").text)


@pytest.mark.parametrize(("scopes", "status"), [(("read", "control"), 403), (("read", "submit"), 303)])
def test_only_who_may_submit_gets_the_form_and_sends_it(gateway: FastAPI, scopes: tuple[str, ...], status: int) -> None:
    http, _ = log_in(gateway, new_key(gateway, *scopes, payloads=True))

    assert ("New quest" in http.get("/quests").text) == (status == 303)
    assert (http.get("/submit").status_code == 200) == (status == 303)
    assert http.post("/submit", data=FORM, follow_redirects=False).status_code == status
    assert len(gateway.state.tenants.of("default").repository.page().items) == (status == 303)
