"""The pages of what Lords remember."""

import json

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline.memory import AgentState, Event
from questline_persistence.memory.sessions import Lessons, TodoLists
from questline_persistence.memory.states import States
from tests.integration.gateway.dashboard_quests import BIG, EVIL, text_of


@pytest.fixture
def remembered(gateway: FastAPI) -> States:
    """An agent of three versions, an event, a list and a lesson, with markup in their texts."""
    kept = gateway.state.tenants.of("default").kept()
    states = States(kept)
    for number in range(3):
        known = json.dumps({"goal": EVIL, "number": BIG + number})
        states.save_agent_state(AgentState(agent_id="plan/ner", name=EVIL, status="busy", state_data=known))
    states.record_state_transition("plan/ner", "idle", "busy", EVIL)
    states.save_event(Event(session_id="s1", event_type="tool_call", content=f"read the file {EVIL}"))
    TodoLists(kept).save_todolist("list-1", "s1", {"points": [EVIL]})
    Lessons(kept).remember(EVIL, "ask for the delimiter", tool_name="read_csv", confidence=80)
    return states


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/memory", "plan/ner"),
        ("/memory/agents?words=goal", "plan/ner"),
        ("/memory/events", "read the file"),
        ("/memory/events?words=file", "read the file"),
        ("/memory/todos", "list-1"),
        ("/memory/lessons", "ask for the delimiter"),
        ("/memory/agents/plan%2Fner", "idle → busy"),
        ("/memory/agents/plan%2Fner?version=1", "State at v1"),
    ],
)
def test_what_lords_remember_is_shown_and_found(http: TestClient, path: str, expected: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert expected in text_of(answer.text)
    assert EVIL not in answer.text


@pytest.mark.usefixtures("remembered")
def test_a_version_of_a_state_shows_what_it_has_changed(http: TestClient) -> None:
    text = text_of(http.get("/memory/agents/plan%2Fner?version=2").text)
    assert f"number{BIG}{BIG + 1}" in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/memory/secrets", 404),
        ("/memory/agents/nobody", 404),
        ("/memory/agents?cursor=nope", 400),
        ("/memory/events?words=nothing", 200),
    ],
)
def test_what_is_not_there_is_said(http: TestClient, path: str, status: int) -> None:
    assert http.get(path).status_code == status


def test_an_empty_memory_says_how_something_comes_into_it(http: TestClient) -> None:
    assert "ctx.memory" in http.get("/memory/lessons").text
