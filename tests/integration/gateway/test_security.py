"""Keys, sessions, headers, limits and what is hidden."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_gateway.security import HIDDEN, Veil
from questline_gateway.security.sessions import COOKIE
from questline_persistence.audit import Actor, AuditLog
from questline_persistence.keys import Keys, NewKey
from questline_persistence.settings import load

#: Where a form of another site may say that it comes from.
ORIGINS = (
    "https://evil.example",
    "null",
    "http://[",
    "http://testserver.evil.example",
    "http://testserver@evil.example",
)
QUEST = {
    "quest_id": "alpha",
    "quest_type": "t",
    "input_data": {"patient": "Ada", "password": "hunter2", "deep": {"api_token": "t0k"}},
    "execution_stack": [{"lord_name": "a", "tool_name": "b", "params": {"patient": "Ada"}}],
}


@pytest.fixture
def app(sqlite_url: str) -> Iterator[FastAPI]:
    app = create_app(load(database_url=sqlite_url, broker_url="memory://", redact_keys="*password*,*_token"))
    app.state.tenants.of("default").client.submit(QUEST)
    yield app
    app.state.tenants.close()


def new_key(app: FastAPI, *scopes: str, **options: Any) -> NewKey:
    return Keys(app.state.tenants.database, "default", Actor("tests")).create("key", scopes or ("read",), **options)


def bearer(key: NewKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.secret}"}


def test_on_this_machine_nobody_needs_a_key_until_there_is_one(app: FastAPI) -> None:
    http = TestClient(app, client=("127.0.0.1", 1), base_url="http://127.0.0.1")
    assert http.get("/api/v1/quests").status_code == 200

    key = new_key(app)
    assert http.get("/api/v1/quests").status_code == 401
    assert http.get("/api/v1/quests", headers=bearer(key)).status_code == 200


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.7", {"Host": "127.0.0.1:8080"}),
        ("127.0.0.1", {"Host": "rebound.example:8080"}),
        ("127.0.0.1", {"Host": "rebound:8080"}),
        ("127.0.0.1", {"Host": "192.0.2.7:8080"}),
        ("127.0.0.1", {"Host": "[::1"}),
        ("127.0.0.1", {"Host": "127.0.0.1:8080", "X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Host": "127.0.0.1:8080", "Via": "1.1 proxy"}),
    ],
)
def test_without_keys_nobody_gets_in_from_elsewhere(app: FastAPI, peer: str, headers: dict[str, str]) -> None:
    """By a name that somebody else decides upon, a page of theirs would reach this machine through a browser."""
    answer = TestClient(app, client=(peer, 1)).get("/api/v1/quests", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "questline keys create" in answer.json()["hint"]


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080", "app.localhost:1"])
def test_by_a_name_of_this_machine_it_is_reached(app: FastAPI, host: str) -> None:
    answer = TestClient(app, client=("127.0.0.1", 1)).get("/api/v1/quests", headers={"Host": host})
    assert answer.status_code == 200


def test_insecure_lets_everybody_in(sqlite_url: str) -> None:
    app = create_app(load(database_url=sqlite_url, broker_url="memory://"), insecure=True)
    assert TestClient(app, client=("192.0.2.7", 1)).get("/api/v1/quests").status_code == 200
    app.state.tenants.close()


@pytest.mark.parametrize("header", ["Bearer ql_1_2", "Basic YTpi", "Bearer", "", "Bearer " + "x" * 10_000])
def test_a_header_that_holds_no_key_is_refused_also_where_none_is_needed(app: FastAPI, header: str) -> None:
    answer = TestClient(app).get("/api/v1/quests", headers={"Authorization": header})

    assert answer.status_code == 401
    assert "ql_1_2" not in answer.text


def test_the_audit_tells_by_which_key_from_where_and_in_which_request(app: FastAPI) -> None:
    http = TestClient(app, client=("192.0.2.7", 1), headers=bearer(new_key(app, "control")))
    http.post("/api/v1/quests/alpha/pause", json={"reason": "wait"}, headers={"X-Request-ID": "r1"})

    entry = AuditLog(app.state.tenants.database, "default").page().items[0]
    assert (entry.verb, entry.actor, entry.door, entry.address) == ("pause", "key", "http", "192.0.2.7")
    assert (entry.request_id, entry.reason) == ("r1", "wait")


def test_a_header_forges_no_line_in_the_audit(app: FastAPI) -> None:
    http = TestClient(app, headers=bearer(new_key(app, "control")))
    http.post("/api/v1/quests/alpha/pause", headers={"X-Request-ID": "r1 forged\tline"})

    entry = AuditLog(app.state.tenants.database, "default").page().items[0]
    assert entry.request_id is not None
    assert "forged" not in entry.request_id


def test_payloads_are_hidden_from_keys_that_may_not_see_them(app: FastAPI) -> None:
    blind = TestClient(app, headers=bearer(new_key(app, "read", "submit", "control")))
    seeing = TestClient(app, headers=bearer(new_key(app, payloads=True)))

    shown = seeing.get("/api/v1/quests/alpha").json()
    hidden = blind.get("/api/v1/quests/alpha").json()
    assert shown["input_data"]["patient"] == "Ada"
    assert (hidden["input_data"], hidden["execution_stack"][0]["params"]) == (HIDDEN, HIDDEN)
    for path in ("/api/v1/quests", "/api/v1/quests/alpha/steps", "/api/v1/quests/alpha/snapshots/0"):
        assert "Ada" not in blind.get(path).text, path
    replay = blind.post("/api/v1/quests/alpha/replay", json={"dry_run": True, "set": {"input_data.patient": "Bo"}})
    assert "Ada" not in replay.text
    for path in (
        "/api/v1/memory/states",
        "/api/v1/runs",
        "/api/v1/quests/alpha/log",
        "/api/v1/quests/alpha/log/events",
    ):
        assert blind.get(path).status_code == 403, path


def test_what_the_settings_name_is_hidden_from_everybody(app: FastAPI) -> None:
    told = [TestClient(app).get("/api/v1/quests/alpha").json()["input_data"]]
    told.append(
        TestClient(app, headers=bearer(new_key(app, payloads=True))).get("/api/v1/quests/alpha").json()["input_data"]
    )

    assert told == [{"patient": "Ada", "password": HIDDEN, "deep": {"api_token": HIDDEN}}] * 2


def test_what_is_hidden_stays_so_in_corrections(app: FastAPI) -> None:
    """They name it by its path, and not by a key of theirs."""
    changed = {"input_data.password": "s3cret", "input_data.deep.api_token": "t1k", "input_data.patient": "Bo"}
    replayed = TestClient(app).post("/api/v1/quests/alpha/replay", json={"dry_run": True, "set": changed})
    batch = {"verb": "replay", "filter": {"quest_type": "t"}, "set": changed}
    made = TestClient(app).post("/api/v1/batches", json=batch)

    told = {change["path"]: (change["old"], change["new"]) for change in replayed.json()["changes"]}
    assert told == {
        "input_data.password": (HIDDEN, HIDDEN),
        "input_data.deep.api_token": (HIDDEN, HIDDEN),
        "input_data.patient": ("Ada", "Bo"),
    }
    hidden = dict.fromkeys(["input_data.password", "input_data.deep.api_token"], HIDDEN)
    assert made.json()["set"] == changed | hidden
    blind = TestClient(app, headers=bearer(new_key(app, "read", "control")))
    assert blind.get(f"/api/v1/batches/{made.json()['batch_id']}").json()["set"] == HIDDEN


def test_a_veil_hides_by_path_what_a_correction_holds() -> None:
    veil = Veil(["password"], ["input_data.customer.email"])
    content = {
        "changes": [
            {"path": "input_data.customer", "old": {"email": "a@b", "name": "Ada"}, "new": None},
            {"path": 'input_data."password"', "before": "p", "after": "q"},
            {"path": "[[", "old": "o"},
        ],
        "set": {"input_data.customer.email": "c@d", "[[": 1},
    }

    assert veil.over(content, payloads=True) == {
        "changes": [
            {"path": "input_data.customer", "old": {"email": HIDDEN, "name": "Ada"}, "new": None},
            {"path": 'input_data."password"', "before": HIDDEN, "after": HIDDEN},
            {"path": "[[", "old": "o"},
        ],
        "set": {"input_data.customer.email": HIDDEN, "[[": 1},
    }


def test_whoever_may_not_see_errors_looks_for_none(app: FastAPI) -> None:
    """Or they would learn what errors say, letter by letter."""
    blind = TestClient(app, headers=bearer(new_key(app, "read", "control")))
    body = {"verb": "retry", "filter": {"error": "A"}}
    answers = [
        blind.get("/api/v1/quests", params={"error": "A"}),
        blind.post("/api/v1/batches/preview", json=body),
        blind.post("/api/v1/batches", json=body),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    seeing = TestClient(app, headers=bearer(new_key(app, "read", "control", payloads=True)))
    assert seeing.get("/api/v1/quests", params={"error": "A"}).status_code == 200
    assert seeing.post("/api/v1/batches/preview", json=body).status_code == 200


def test_a_veil_hides_by_key_in_any_letters_and_by_the_end_of_a_path() -> None:
    veil = Veil(["*secret*"], ["input_data.customer.email", "steps.*.note"])
    content = {
        "quest": {"input_data": {"customer": {"email": "a@b", "name": "Ada"}, "email": "c@d"}},
        "MySecretKey": {"a": 1},
        "steps": [{"note": "n", "big": 2**70}],
    }

    assert veil.over(content, payloads=True) == {
        "quest": {"input_data": {"customer": {"email": HIDDEN, "name": "Ada"}, "email": "c@d"}},
        "MySecretKey": HIDDEN,
        "steps": [{"note": HIDDEN, "big": 2**70}],
    }


@pytest.mark.parametrize("path", ["/api/v1/quests", "/", "/login", "/absent", "/livez", "/openapi.json"])
def test_every_answer_tells_browsers_what_they_may_not_do(app: FastAPI, path: str) -> None:
    headers = TestClient(app).get(path).headers

    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_an_answer_that_nobody_foresaw_tells_browsers_so_too(app: FastAPI) -> None:
    def broken(_: Request) -> Response:
        raise ZeroDivisionError

    app.add_route("/broken", broken)

    answer = TestClient(app).get("/broken")
    assert (answer.status_code, answer.headers["x-frame-options"]) == (500, "DENY")


# Keys and the audit, by HTTP


def test_keys_are_made_rotated_and_revoked_by_who_may(app: FastAPI) -> None:
    admin = TestClient(app, headers=bearer(new_key(app, "admin", payloads=True)))
    made = admin.post("/api/v1/keys", json={"name": "ci", "scopes": ["submit"], "expires_in": 60}).json()
    new = admin.post(f"/api/v1/keys/{made['key_id']}/rotate", json={"grace": 0, "reason": "monthly"}).json()

    def status(secret: str) -> int:
        return (
            TestClient(app).post("/api/v1/quests", json={}, headers={"Authorization": f"Bearer {secret}"}).status_code
        )

    assert (status(made["secret"]), status(new["secret"])) == (401, 422)
    assert admin.delete(f"/api/v1/keys/{new['key_id']}?reason=over").json()["state"] == "revoked"
    listed = admin.get("/api/v1/keys")
    assert [key["state"] for key in listed.json()["items"]] == ["revoked", "expired", "active"]
    assert "secret" not in listed.text
    told = admin.get("/api/v1/audit?actor=key&since=1h").json()["items"]
    assert [(one["verb"], one["reason"]) for one in told] == [
        *(("keys revoke", "over"), ("keys rotate", "monthly"), ("keys create", None)),
    ]


def test_nobody_hands_out_a_right_that_they_lack(app: FastAPI) -> None:
    seeing = new_key(app, payloads=True).key.key_id
    blind = TestClient(app, headers=bearer(new_key(app, "admin")))

    assert blind.post("/api/v1/keys", json={"name": "mine", "payloads": True}).status_code == 403
    assert blind.post(f"/api/v1/keys/{seeing}/rotate").status_code == 403
    assert blind.post("/api/v1/keys", json={"name": "mine"}).status_code == 201


# Sessions


def browser(app: FastAPI) -> TestClient:
    return TestClient(app, follow_redirects=False)


def log_in(app: FastAPI, key: NewKey, **fields: str) -> tuple[TestClient, Any]:
    http = browser(app)
    return http, http.post("/login", data={"key": key.secret, **fields})


def test_a_browser_logs_in_by_a_key_and_out(app: FastAPI) -> None:
    key = new_key(app, "read", payloads=True)
    http, answer = log_in(app, key, next="/quests?status=failed")

    cookie = answer.headers["set-cookie"]
    assert (answer.status_code, answer.headers["location"]) == (303, "/quests?status=failed")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert key.secret not in cookie
    assert http.get("/quests").status_code == 200
    assert http.get("/api/v1/quests").status_code == 200
    assert http.post("/logout").status_code == 303
    assert http.get("/quests").headers["location"] == "/login?next=%2Fquests"


def test_who_logs_out_ends_the_session_and_no_other(app: FastAPI) -> None:
    key = new_key(app, payloads=True)
    (http, _), (other, _) = log_in(app, key), log_in(app, key)
    stolen = http.cookies[COOKIE]
    http.post("/logout")
    http.cookies.set(COOKIE, stolen)

    assert http.get("/quests").status_code == 303
    assert other.get("/quests").status_code == 200


@pytest.mark.parametrize(
    ("base", "headers"), [("https://testserver", {}), ("http://testserver", {"Origin": "https://testserver"})]
)
def test_behind_https_the_cookie_goes_nowhere_else(app: FastAPI, base: str, headers: dict[str, str]) -> None:
    """Also where it is a proxy that speaks TLS: the browser tells by which name, and how, it asked."""
    key = new_key(app, payloads=True)
    http = TestClient(app, base_url=base, follow_redirects=False)

    assert "Secure" in http.post("/login", data={"key": key.secret}, headers=headers).headers["set-cookie"]


@pytest.mark.parametrize(
    ("payloads", "scopes", "status"), [(False, ("admin",), 403), (True, ("submit",), 403), (True, ("admin",), 303)]
)
def test_to_log_in_takes_the_right_to_read_and_to_see(
    app: FastAPI, payloads: bool, scopes: tuple[str, ...], status: int
) -> None:
    _, answer = log_in(app, new_key(app, *scopes, payloads=payloads))

    assert answer.status_code == status
    assert ("set-cookie" in answer.headers) == (status == 303)


def test_a_session_ends_when_its_key_is_revoked(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key(app, payloads=True)
    http, _ = log_in(app, key)
    Keys(app.state.tenants.database, "default", Actor("tests")).revoke(key.key.key_id)
    monkeypatch.setattr("questline_persistence.keys.key_check.KNOWN_SECONDS", 0.0)

    assert http.get("/quests").status_code == 303


@pytest.mark.parametrize("forge", ["until", "key", "own", "signature"])
def test_a_forged_cookie_is_none(app: FastAPI, forge: str) -> None:
    key = new_key(app, payloads=True)
    http, _ = log_in(app, key)
    key_id, until, own, signature = http.cookies[COOKIE].split(".")
    forged = {
        "until": f"{key_id}.{int(until) + 1}.{own}.{signature}",
        "key": f"{'0' * 12}.{until}.{own}.{signature}",
        "own": f"{key_id}.{until}.{'0' * 16}.{signature}",
        "signature": f"{key_id}.{until}.{own}.{'0' * 64}",
    }
    http.cookies.clear()
    http.cookies.set(COOKIE, forged[forge])

    assert http.get("/quests").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, *({"Origin": one} for one in ORIGINS)],
)
@pytest.mark.parametrize("path", ["/control/pause/alpha", "/api/v1/quests/alpha/pause", "/login", "/logout"])
def test_csrf_a_form_of_another_site_is_refused(app: FastAPI, headers: dict[str, str], path: str) -> None:
    key = new_key(app, "read", "control", payloads=True)
    http, _ = log_in(app, key)

    answer = http.post(path, data={"key": key.secret}, headers=headers)

    assert answer.status_code == 403
    assert app.state.tenants.of("default").repository.status("alpha") == "new"


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_a_log_in_leads_nowhere_else(app: FastAPI, back: str) -> None:
    _, answer = log_in(app, new_key(app, payloads=True), next=back)

    assert answer.headers["location"] == "/"


def test_what_stands_on_the_log_in_page_is_escaped(app: FastAPI) -> None:
    text = browser(app).get("/login", params={"next": '"><script>alert(1)</script>'}).text

    assert "<script>alert" not in text


def test_a_page_tells_the_audit_that_it_was_the_dashboard(app: FastAPI) -> None:
    http, _ = log_in(app, new_key(app, "read", "control", payloads=True))
    http.post("/control/pause/alpha", data={"reason": "wait"})

    entry = AuditLog(app.state.tenants.database, "default").page().items[0]
    assert (entry.verb, entry.door, entry.actor, entry.reason) == ("pause", "dashboard", "key", "wait")
    assert json.dumps(entry.to_json())
