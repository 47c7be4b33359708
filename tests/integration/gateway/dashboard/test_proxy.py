"""People whom a proxy has let in: believed of that proxy alone, and allowed what the settings say."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_persistence.audit import Actor, AuditLog
from questline_persistence.errors import ConfigurationError
from questline_persistence.keys import Keys
from questline_persistence.settings import load
from tests.integration.gateway.test_quests import QUESTS, a_quest

PROXY, ELSEWHERE = "10.1.2.3", "192.0.2.7"
ADA = {"X-User": "ada@example.com"}
SETTINGS = {"http_proxy_header": "X-User", "http_proxy_peers": "10.1.2.0/24, ::1", "broker_url": "memory://"}

Opens = Callable[..., FastAPI]


@pytest.fixture
def opened(sqlite_url: str) -> Iterator[Opens]:
    """A function that returns the gateway behind a proxy, with other settings if need be."""
    apps: list[FastAPI] = []

    def open_one(**settings: str) -> FastAPI:
        apps.append(create_app(load(**{"database_url": sqlite_url, **SETTINGS, **settings})))
        return apps[-1]

    yield open_one
    for app in apps:
        app.state.tenants.close()


def behind(app: FastAPI, peer: str = PROXY) -> TestClient:
    return TestClient(app, client=(peer, 1), follow_redirects=False)


def test_whom_the_proxy_names_may_do_what_the_settings_say_and_is_named_in_the_audit(opened: Opens) -> None:
    app = opened(http_proxy_scopes="read,submit,control")
    http = behind(app)
    made = http.post(QUESTS, json=a_quest(quest_id="q"), headers=ADA)
    page = http.get("/quests/q", headers=ADA)
    http.post("/control/pause/q", data={"reason": "wait"}, headers=ADA)

    assert (made.status_code, page.status_code) == (201, 200)
    entry = AuditLog(app.state.tenants.database, "default").page().items[0]
    assert (entry.verb, entry.actor, entry.door) == ("pause", "proxy:ada@example.com", "dashboard")
    assert http.get("/audit", headers=ADA).status_code == 403


def test_unless_the_settings_say_more_they_may_look(opened: Opens) -> None:
    http = behind(opened())

    assert http.get(QUESTS, headers=ADA).status_code == 200
    assert http.post(QUESTS, json=a_quest(), headers=ADA).status_code == 403


@pytest.mark.parametrize("peer", [ELSEWHERE, "127.0.0.1", "10.1.3.1"])
def test_a_header_of_anybody_else_is_not_believed(opened: Opens, peer: str) -> None:
    http = behind(opened(), peer)

    assert http.get(QUESTS, headers=ADA).status_code == 401
    assert http.get("/", headers=ADA).headers["location"].startswith("/login")


def test_a_header_is_not_believed_unless_that_is_set(opened: Opens) -> None:
    http = behind(opened(http_proxy_header="", http_proxy_peers=""))

    assert http.get(QUESTS, headers=ADA).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-User", "")],
        [("X-User", "mallory"), ("X-User", "ada")],
        [("X-User", "mallory, ada")],
        [("X-User", "x" * 101)],
        [("X-User", "ada\t[forged]")],
    ],
)
def test_whom_the_proxy_does_not_name_clearly_does_not_come_in(opened: Opens, headers: list[tuple[str, str]]) -> None:
    """Without a key either, though there is none: the proxy passes on whoever asks."""
    assert behind(opened()).get(QUESTS, headers=headers).status_code == 401


def test_a_page_of_another_site_sends_no_form_by_the_proxy(opened: Opens) -> None:
    app = opened(http_proxy_scopes="read,control")
    app.state.tenants.of("default").client.submit(a_quest(quest_id="q"))
    answer = behind(app).post("/control/pause/q", data={}, headers={**ADA, "Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert app.state.tenants.of("default").repository.status("q") == "new"


def test_another_namespace_is_not_reached(opened: Opens) -> None:
    app = opened(http_proxy_scopes="admin")
    app.state.tenants.of("other").client.submit(a_quest(quest_id="theirs"))
    http = behind(app)

    assert http.get(f"{QUESTS}/theirs", headers=ADA).status_code == 404
    assert http.get(QUESTS, headers={**ADA, "X-Questline-Namespace": "other"}).json().get("items", []) == []
    assert {"namespace": "other"} not in http.get("/api/v1/namespaces", headers=ADA).json()["items"]


def test_a_key_comes_before_what_the_proxy_says(opened: Opens) -> None:
    app = opened()
    app.state.tenants.prepare()
    key = Keys(app.state.tenants.database, "default", Actor("tests")).create("robot", ["submit"])
    header = {**ADA, "Authorization": f"Bearer {key.secret}"}

    assert behind(app).post(QUESTS, json=a_quest(), headers=header).status_code == 201
    assert behind(app, ELSEWHERE).post(QUESTS, json=a_quest(), headers=header).status_code == 201


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"http_proxy_peers": ""}, "only where both are"),
        ({"http_proxy_header": ""}, "only where both are"),
        ({"http_proxy_peers": "proxy.local"}, "no address and no network"),
        ({"http_proxy_scopes": "read,rule"}, "'rule' is no scope"),
    ],
)
def test_settings_that_make_no_sense_are_refused(opened: Opens, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        opened(**settings)
