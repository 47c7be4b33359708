"""What Lords remember, by HTTP: lists, search, versions, one by its name."""

from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from questline_persistence.memory.contexts import Contexts
from questline_persistence.memory.models import AgentState, Event, WorkflowContext
from questline_persistence.memory.sessions import Lessons, TodoLists
from questline_persistence.memory.states import States

ROOT = "/api/v1/memory"
#: What is kept of each noun: how it is named, and a word that finds it.
KEPT = {
    "states": ("quest-1/planner", "agent_id"),
    "events": ("event-1", "event_id"),
    "contexts": ("workflow-1", "workflow_id"),
    "todos": ("plan-1", "todolist_id"),
    "memories": (None, "memory_id"),
}


@pytest.fixture
def filled(http: TestClient) -> TestClient:
    """A store in which one thing of each noun is kept, and nothing under another prefix."""
    kept = http.app.state.tenants.of("default").kept()  # type: ignore[attr-defined]  # it is the gateway
    states = States(kept)
    states.save_agent_state(AgentState(agent_id="quest-1/planner", state_data="an orchard"))
    states.update_agent_status("quest-1/planner", "busy")
    event = Event(event_id="event-1", session_id="s1", event_type="said", actor_type="user", content="an orchard")
    states.save_event(event)
    context = WorkflowContext(
        workflow_id="workflow-1", epic_num=7, feature="orchard", workflow_name="w", current_phase="begin"
    )
    Contexts(kept).save_context(context)
    TodoLists(kept).save_todolist("plan-1", "s1", [{"do": "plant an orchard"}])
    Lessons(kept).remember("trees", "an orchard needs water", "plant", 80)
    return http


@pytest.mark.parametrize("noun", KEPT)
def test_a_noun_is_listed_found_and_shown(filled: TestClient, noun: str) -> None:
    name, field = KEPT[noun]
    (listed,) = filled.get(f"{ROOT}/{noun}").json()["items"]
    found = filled.get(f"{ROOT}/{noun}/search", params={"q": "orch*"}).json()

    assert name in {None, listed[field]}
    assert ([item[field] for item in found["items"]], found["newest_only"]) == ([listed[field]], False)
    for typed in (listed[field], listed[field][:5], "@last"):
        assert filled.get(f"{ROOT}/{noun}/{typed}").json() == listed


@pytest.mark.parametrize("noun", KEPT)
def test_what_is_not_there_is_told_and_other_prefixes_are_kept_apart(filled: TestClient, noun: str) -> None:
    absent = filled.get(f"{ROOT}/{noun}/absent")

    assert (absent.status_code, absent.json()["code"]) == (404, "not_found")
    assert filled.get(f"{ROOT}/{noun}?prefix=other").json()["items"] == []
    assert filled.get(f"{ROOT}/{noun}/search?q=orchard&prefix=other").json()["items"] == []
    assert filled.get(f"{ROOT}/{noun}/search").status_code == 422
    assert filled.get(f"{ROOT}/{noun}?limit=501").status_code == 422


def test_versions_and_history_go_back_to_the_beginning(filled: TestClient) -> None:
    state = f"{ROOT}/states/quest-1/planner"

    versions = filled.get(f"{state}/versions?limit=1")
    assert [one["op"] for one in versions.json()["items"]] == ["status"]
    following = filled.get(versions.headers["Link"][1:].partition(">")[0]).json()
    assert [one["version"] for one in following["items"]] == [1]
    assert filled.get(f"{state}?version=1").json()["status"] == "idle"
    assert filled.get(f"{state}?version=9").status_code == 404
    assert filled.get(f"{state}?version=1&at=1h").status_code == 422
    assert [one["state_after"] for one in filled.get(f"{state}/history").json()["items"]] == ["busy"]
    assert len(filled.get(f"{ROOT}/contexts/workflow-1/versions").json()["items"]) == 1
    assert len(filled.get(f"{ROOT}/todos/plan-1/versions").json()["items"]) == 1


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("states?status=busy", 1),
        ("states?status=idle", 0),
        ("events?session=s1&type=said", 1),
        ("events?commit=abc", 0),
        ("contexts?epic=7&since=1h&status=running", 1),
        ("contexts?phase=end", 0),
        ("todos?session=s1&status=pending", 1),
        ("todos?session=s2", 0),
        ("memories?tool=plant", 1),
        ("memories?tool=dig", 0),
        ("memories/search?q=orchard&min_confidence=81", 0),
    ],
)
def test_filters_are_those_of_the_command_line(filled: TestClient, path: str, matches: int) -> None:
    items: list[Any] = filled.get(f"{ROOT}/{path}").json()["items"]

    assert len(items) == matches


def test_the_next_page_of_an_age_is_one_of_the_same_time(filled: TestClient) -> None:
    kept = filled.app.state.tenants.of("default").kept()  # type: ignore[attr-defined]  # it is the gateway
    context = WorkflowContext(workflow_id="w2", epic_num=7, feature="f", workflow_name="w", current_phase="begin")
    Contexts(kept).save_context(context)

    first = filled.get(f"{ROOT}/contexts?since=1h&limit=1")
    following = filled.get(first.headers["Link"][1:].partition(">")[0])

    assert [item["workflow_id"] for page in (first, following) for item in page.json()["items"]] == ["w2", "workflow-1"]


@pytest.mark.parametrize("name", ["ü", "日本", 'a>b;"c"', "a?b#c"])
def test_the_link_to_the_next_page_holds_any_name(http: TestClient, name: str) -> None:
    states = States(http.app.state.tenants.of("default").kept())  # type: ignore[attr-defined]  # it is the gateway
    for content in "ab":
        states.save_agent_state(AgentState(agent_id=name, state_data=content))

    first = http.get(f"{ROOT}/states/{quote(name, safe='')}/versions", params={"limit": 1})
    assert [version["version"] for version in first.json()["items"]] == [2]
    assert [version["version"] for version in http.get(first.links["next"]["url"]).json()["items"]] == [1]
