"""The verbs by HTTP: each bound to the version that was seen, where a caller says so."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_persistence.controls import Controls
from tests.integration.gateway.test_quests import QUESTS, a_quest


@pytest.fixture(autouse=True)
def quest(http: TestClient) -> None:
    http.post(QUESTS, json=a_quest(quest_id="q-1"))


def done(http: TestClient, verb: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = http.post(
        f"{QUESTS}/q-1/{verb}", json=body, headers={name.replace("_", "-"): headers[name] for name in headers}
    )
    return answer.status_code, answer.json()


def test_a_pause_says_why_and_a_resume_ends_it(http: TestClient) -> None:
    assert done(http, "pause", {"reason": "look at it"})[1]["status"] == "paused"
    assert http.get(f"{QUESTS}/q-1").json()["reason"] == "look at it"
    assert done(http, "pause")[1]["changed"] is False
    assert done(http, "resume")[1]["status"] == "new"


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "retry", "replay", "fork"])
def test_no_verb_changes_a_quest_that_has_moved_on(http: TestClient, verb: str) -> None:
    if verb == "resume":
        done(http, "pause")
    before = http.get(QUESTS).json()

    status, problem = done(http, verb, If_Match='"7"')

    assert (status, problem["code"], problem["current"]["quest_id"]) == (412, "conflict", "q-1")
    assert http.get(QUESTS).json() == before


def test_the_version_that_was_seen_lets_a_verb_through(http: TestClient) -> None:
    tag = http.get(f"{QUESTS}/q-1").headers["ETag"]

    assert done(http, "pause", If_Match=tag)[0] == 200
    assert done(http, "resume", If_Match="*")[0] == 200
    assert done(http, "pause", If_Match="none")[0] == 422


def test_a_verb_that_does_not_apply_tells_the_present_state(http: TestClient) -> None:
    status, problem = done(http, "retry")

    assert (status, problem["current"]["status"]) == (409, "new")
    assert problem["hint"]


def test_a_replay_can_be_looked_at_before_it_is_done(http: TestClient) -> None:
    done(http, "cancel")
    change = {"from": "architect", "set": {"input_data.service": "orders"}}

    _, preview = done(http, "replay", {**change, "dry_run": True})
    status, after = done(http, "replay", change)

    assert (preview["changed"], preview["status"], len(preview["steps"])) == (False, "cancelled", 2)
    assert preview["changes"][0]["new"] == "orders"
    assert (status, after["epoch"]) == (200, 1)
    assert http.get(f"{QUESTS}/q-1").json()["input_data"] == {"service": "orders"}


def test_a_fork_is_a_quest_of_its_own(http: TestClient) -> None:
    preview = done(http, "fork", {"dry_run": True})
    made = http.post(f"{QUESTS}/q-1/fork", json={"quest_id": "q-2"})

    assert (preview[0], preview[1]["created"]) == (200, False)
    assert (made.status_code, made.json()["forked_from"]) == (201, "q-1@v0")
    assert http.get(made.headers["Location"]).json()["quest_id"] == "q-2"
    assert len(http.get(QUESTS).json()["items"]) == 2


def test_an_ended_quest_can_be_deleted_a_live_one_cannot(http: TestClient) -> None:
    assert http.delete(f"{QUESTS}/q-1").status_code == 409
    done(http, "cancel", {"reason": "no longer needed"})

    gone = http.delete(f"{QUESTS}/q-1")

    assert (gone.status_code, gone.content) == (204, b"")
    assert http.delete(f"{QUESTS}/q-1").status_code == 404


def test_a_verb_takes_nothing_but_what_is_documented(http: TestClient) -> None:
    assert done(http, "cancel", {"resaon": "typo"})[0] == 422
    assert http.get(f"{QUESTS}/q-1").json()["status"] == "new"


def test_every_verb_can_be_reached_where_the_gateway_is_mounted(gateway: FastAPI) -> None:
    host = FastAPI()
    host.mount("/quests", gateway)
    mounted = TestClient(host)

    made = mounted.post("/quests/api/v1/quests", json=a_quest(quest_id="q-3"))
    listed = mounted.get("/quests/api/v1/quests?limit=1")

    assert made.headers["Location"] == "/quests/api/v1/quests/q-3"
    assert mounted.get(made.headers["Location"]).status_code == 200
    assert listed.headers["Link"].startswith("</quests/api/v1/quests?limit=1&cursor=")
    assert mounted.post("/quests/api/v1/quests/q-3/pause").json()["status"] == "paused"


def test_every_verb_is_in_the_audit_with_its_request_and_its_reason(http: TestClient) -> None:
    verbs = ("pause", "resume", "cancel", "replay", "fork")
    for verb in verbs:
        done(http, verb, {"reason": f"why {verb}"}, X_Request_ID=f"request-{verb}")
    done(http, "cancel", {"reason": "to delete it"})
    http.delete(f"{QUESTS}/q-1?reason=no+longer+needed", headers={"X-Request-ID": "request-delete"})

    entries = {entry["verb"]: entry for entry in http.get("/api/v1/audit?since=1h").json()["items"]}
    for verb in verbs[:2] + verbs[3:]:
        told = entries[verb]
        assert (told["actor"], told["door"], told["reason"]) == ("anonymous", "http", f"why {verb}")
        assert told["request_id"] == f"request-{verb}"
    assert entries["delete"]["reason"] == "no longer needed"


def test_the_audit_is_filtered_and_told_in_pages(http: TestClient) -> None:
    for verb in ("pause", "resume", "pause"):
        done(http, verb)

    first = http.get("/api/v1/audit?limit=1&verb=pause&since=1h&quest=@last")
    following = http.get(first.headers["Link"][1:].partition(">")[0])

    assert [len(page.json()["items"]) for page in (first, following)] == [1, 1]
    assert following.json()["next_cursor"] is None
    assert http.get("/api/v1/audit?verb=burn").status_code == 422
    assert http.get("/api/v1/audit?quest=gone").json()["items"] == []


def test_recorded_calls_are_kept_where_a_replay_or_a_fork_asks_for_it(
    http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[bool, object]] = []
    both = Controls.replay, Controls.fork

    def replay(self: Controls, *place: Any, **options: Any) -> Any:
        asked.append((options["keep_once"], None))
        return both[0](self, *place, **options)

    def fork(self: Controls, *place: Any, **options: Any) -> Any:
        asked.append((False, options["calls"]))
        return both[1](self, *place, **options)

    monkeypatch.setattr(Controls, "replay", replay)
    monkeypatch.setattr(Controls, "fork", fork)
    done(http, "replay", {"keep_once": True})
    done(http, "fork", {"keep_once": True})
    done(http, "fork", {"recorded": True})
    done(http, "fork")

    assert asked == [(True, None), *((False, calls) for calls in ("kept", "recorded", "anew"))]
