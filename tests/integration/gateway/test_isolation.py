"""Every route of the API is walked: with no key, with too little of one, and with another namespace's."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.routing import Route as PageRoute
from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_gateway.live import streams
from questline_persistence.audit import Actor
from questline_persistence.keys import Keys
from questline_persistence.memory.contexts import Contexts
from questline_persistence.memory.models import AgentState, Event, WorkflowContext
from questline_persistence.memory.sessions import Lessons, TodoLists
from questline_persistence.memory.states import States
from questline_persistence.records import QuestFilter
from questline_persistence.schema import METADATA, batches
from questline_persistence.settings import load
from questline_persistence.store import Database

#: A word that stands in every row of the other namespace.
THEIRS = "theirs-4711"
#: Tables that may change when somebody is let in, or is not.
UNASKED = {"api_keys"}
#: What is listed of a namespace because the walker itself has made it.
OWN = {"/api/v1/keys", "/api/v1/audit"}
#: What is put where a path has a name; a version is a number.
NAMES = {"version": "0"}


class Route(NamedTuple):
    """One route of the API."""

    method: str
    path: str
    query: dict[str, str]

    @property
    def address(self) -> str:
        """The path with the other namespace's names in it."""
        parts = [part[1:-1] if part.startswith("{") else None for part in self.path.split("/")]
        filled = zip(parts, self.path.split("/"), strict=True)
        return "/".join(NAMES.get(name, THEIRS) if name else part for name, part in filled)

    @property
    def names_something(self) -> bool:
        return "{" in self.path


def routes() -> list[Route]:
    """Return every route that the description of the API names, with what a query must say."""
    app = create_app(load(database_url="sqlite:///:memory:", broker_url="memory://"))
    found = [
        Route(method.upper(), path, {one["name"]: THEIRS for one in about.get("parameters", ()) if one.get("required")})
        for path, methods in app.openapi()["paths"].items()
        for method, about in methods.items()
    ]
    app.state.tenants.close()
    return found


ROUTES = routes()
LISTS = [route for route in ROUTES if route.method == "GET" and not route.names_something]
NAMED = [route for route in ROUTES if route.names_something]
CHANGES = [route for route in ROUTES if route.method != "GET"]


@pytest.fixture
def app(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """The gateway of a store in which only another namespace has anything; its streams end by themselves."""
    monkeypatch.setattr(streams, "LONGEST_SECONDS", 0.0)
    app = create_app(load(database_url=sqlite_url, broker_url="memory://", http_rate_limit=0))
    theirs = app.state.tenants.of("theirs")
    step = {"lord_name": THEIRS, "tool_name": "work"}
    theirs.client.submit({"quest_id": THEIRS, "quest_type": THEIRS, "queue": THEIRS, "execution_stack": [step]})
    theirs.client.pause(THEIRS, THEIRS)
    theirs.client.batches.create("pause", QuestFilter(quest_type=THEIRS), name=THEIRS, reason=THEIRS)
    theirs.database.write(lambda connection: connection.execute(update(batches).values(batch_id=THEIRS)))
    kept = theirs.kept()
    States(kept).save_agent_state(AgentState(agent_id=THEIRS, state_data=THEIRS))
    said = Event(event_id=THEIRS, session_id=THEIRS, event_type=THEIRS, actor_type="user", content=THEIRS)
    States(kept).save_event(said)
    names: dict[str, Any] = {"workflow_id": THEIRS, "feature": THEIRS, "workflow_name": THEIRS, "current_phase": THEIRS}
    Contexts(kept).save_context(WorkflowContext(epic_num=7, **names))
    TodoLists(kept).save_todolist(THEIRS, THEIRS, [{"do": THEIRS}])
    Lessons(kept).remember(THEIRS, THEIRS, THEIRS, 80)
    yield app
    app.state.tenants.close()


def caller(app: FastAPI, *scopes: str, namespace: str = "default", payloads: bool = True) -> TestClient:
    """Return who has a key of a namespace."""
    keys = Keys(app.state.tenants.database, namespace, Actor("tests"))
    secret = keys.create("walker", scopes, payloads=payloads).secret
    return TestClient(app, headers={"Authorization": f"Bearer {secret}"})


def rows(database: Database) -> dict[str, Any]:
    """Return every row of the store that nobody should have changed."""
    tables = [table for table in METADATA.sorted_tables if table.name not in UNASKED]
    return database.read(lambda own: {one.name: own.execute(select(one)).all() for one in tables})


def test_the_description_names_the_routes_that_are_walked() -> None:
    assert min(len(LISTS), len(NAMED), len(CHANGES)) > 5


def test_without_a_key_nobody_gets_in(app: FastAPI) -> None:
    caller(app, "admin")
    nobody, before = TestClient(app), rows(app.state.tenants.database)

    for route in ROUTES:
        answer = nobody.request(route.method, route.address, params=route.query)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), route
        assert answer.headers["www-authenticate"].startswith("Bearer"), route
    assert rows(app.state.tenants.database) == before


def test_a_key_that_may_read_changes_nothing(app: FastAPI) -> None:
    theirs = caller(app, "read", namespace="theirs")
    before = rows(app.state.tenants.database)

    for route in CHANGES:
        answer = theirs.request(route.method, route.address, params=route.query, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), route
    assert rows(app.state.tenants.database) == before


#: Every way to ask but POST.
ASKING = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE")
#: What a form does.
VERBS = ("pause", "resume", "cancel", "retry", "delete", "replay", "fork")


def pages(app: FastAPI) -> list[str]:
    """Return the address of every page, a form of each verb among them."""
    paths = [route.path for route in app.routes if type(route) is PageRoute]
    forms = [path.replace("{verb}", verb) for path in paths for verb in VERBS]
    return sorted({re.sub(r"\{[^}]*\}", THEIRS, path) for path in forms})


@pytest.mark.parametrize("method", ASKING)
def test_whoever_looks_at_a_page_changes_nothing(app: FastAPI, method: str) -> None:
    """Whatever the key may do, too: a page of another site can have a browser ask for any address."""
    theirs = caller(app, "admin", namespace="theirs")
    before = rows(app.state.tenants.database)

    for page in pages(app):
        theirs.request(method, page, follow_redirects=False)
    assert rows(app.state.tenants.database) == before


def test_a_key_that_may_read_sends_no_form(app: FastAPI) -> None:
    theirs = caller(app, "read", namespace="theirs")
    before = rows(app.state.tenants.database)

    for page in pages(app):
        form = {"verb": "cancel", "pick": THEIRS, "action": "do"}
        assert theirs.post(page, data=form, follow_redirects=False).status_code in {303, 401, 403, 405}, page
    assert rows(app.state.tenants.database) == before


def test_i11_the_names_of_another_namespace_are_not_found(app: FastAPI) -> None:
    ours = caller(app, "admin")
    before = rows(app.state.tenants.database)

    for route in NAMED:
        answer = ours.request(route.method, route.address, params=route.query)
        assert answer.status_code == 404, (route, answer.text)
    assert rows(app.state.tenants.database) == before


def test_their_own_names_are_found_by_whoever_may(app: FastAPI) -> None:
    """Or the walk above would be one through nothing."""
    theirs = caller(app, "admin", namespace="theirs")
    found = [theirs.get(route.address, params=route.query).status_code for route in NAMED if route.method == "GET"]

    assert found.count(200) > len(found) * 3 // 4


def test_i11_nothing_of_another_namespace_is_listed_or_counted(app: FastAPI) -> None:
    ours, theirs = caller(app, "admin"), caller(app, "admin", namespace="theirs")
    empty = caller(app, "admin", namespace="empty")
    told = 0

    for route in LISTS:
        answer, other = (one.get(route.path, params=route.query) for one in (ours, empty))
        assert answer.status_code == 200, (route, answer.text)
        assert THEIRS not in answer.text, route
        assert "theirs" not in answer.text, route
        if route.path == "/api/v1/audit":  # it tells how each namespace got its keys
            assert {entry["namespace"] for entry in answer.json()["items"]} == {"default"}
        else:
            assert answer.content == other.content or route.path in OWN, route
        told += THEIRS in theirs.get(route.path, params=route.query).text
    assert told > len(LISTS) // 2


def test_i11_the_metrics_of_another_namespace_are_not_there(app: FastAPI) -> None:
    assert caller(app, "read", namespace="theirs").get("/metrics").status_code == 404
    ours = caller(app, "read").get("/metrics")
    assert ours.status_code == 200
    assert THEIRS not in ours.text


def test_i11_a_page_of_another_namespace_is_not_there(app: FastAPI) -> None:
    ours = caller(app, "admin")
    for page in ("/", "/quests", "/lords", "/workers"):
        assert THEIRS not in ours.get(page).text, page
    for page in (f"/quests/{THEIRS}", f"/control/cancel/{THEIRS}"):
        assert ours.get(page).status_code == 404, page
    assert ours.post(f"/control/cancel/{THEIRS}").status_code == 404


@pytest.mark.parametrize(("scopes", "status"), [(("read",), 403), (("read", "control"), 403), (("admin",), 409)])
def test_to_delete_takes_more_than_to_steer(app: FastAPI, scopes: tuple[str, ...], status: int) -> None:
    theirs = caller(app, *scopes, namespace="theirs")

    assert theirs.delete(f"/api/v1/quests/{THEIRS}").status_code == status
    assert theirs.post(f"/control/delete/{THEIRS}").status_code == status
