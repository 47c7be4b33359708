"""What steps say, by HTTP: page by page, as it is written, and beside the step on its page."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.app import create_app
from questline_gateway.server import GatewayServer
from questline_persistence.claims import Claim
from questline_persistence.settings import load
from questline_persistence.step_log import LineKind, LogLine, write_lines
from tests.contract.quests import Workbench
from tests.integration.gateway.live.event_reader import EventReader

Say = Callable[..., None]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What streams ask of the store is the same on both; what it answers has tests of its own."""
    return sqlite_url


@pytest.fixture
def claim(bench: Workbench) -> Claim:
    return bench.claim(bench.submit("a"))


@pytest.fixture
def say(bench: Workbench, claim: Claim) -> Say:
    """A function that writes lines of a step."""
    spoken = iter(range(1, 1_000))

    def write(*messages: str, data: str | None = None) -> None:
        place = (claim.quest_id, claim.epoch, claim.position, claim.attempt, claim.claim_id, claim.fence)
        lines = [
            LogLine(*place, next(spoken), claim.start_time, LineKind.LOG, "info", message, data) for message in messages
        ]
        write_lines(bench.database, lines)

    return write


def log_of(claim: Claim) -> str:
    return f"/api/v1/quests/{claim.quest_id}/log"


def messages(page: Any) -> list[str]:
    return [item["message"] for item in page["items"]]


def test_a_log_is_read_page_by_page(app: FastAPI, claim: Claim, say: Say) -> None:
    http = TestClient(app)
    say("one", "two", data='{"n":1}')

    first = http.get(f"{log_of(claim)}?limit=1").json()
    rest = http.get(f"{log_of(claim)}?cursor={first['next_cursor']}").json()

    assert (messages(first), messages(rest), rest["next_cursor"]) == (["one"], ["two"], None)
    assert rest["items"][0]["data"] == {"n": 1}
    assert messages(http.get(f"{log_of(claim)}?step=0002").json()) == []
    assert http.get(f"{log_of(claim)}?cursor=nonsense").status_code == 422
    assert http.get("/api/v1/quests/nobody/log").status_code == 404


def test_a_log_is_told_as_it_is_written_resumed_after_any_line_and_ended(
    server: GatewayServer, bench: Workbench, claim: Claim, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_gateway.live.log_events.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("questline_gateway.live.log_events.LATE_SECONDS", 0.2)
    url = f"{server.url}{log_of(claim)}/events"
    say("one")
    with EventReader(url) as stream:
        events = stream.events()
        first = next(events)
        say("two", "three")
        rest = [next(events) for _ in range(2)]
        bench.finish(claim)
        end = list(events)

    assert [event.data["message"] for event in (first, *rest)] == ["one", "two", "three"]
    assert [(event.name, event.data["status"]) for event in end] == [("end", "completed")]
    with EventReader(url, {"Last-Event-ID": str(first.event_id)}) as stream:
        assert [event.data.get("message") for event in stream.events()] == ["two", "three", None]
    with EventReader(f"{url}?after={rest[-1].event_id}") as stream:
        assert [event.name for event in stream.events()] == ["end"]
    with EventReader(url, {"Last-Event-ID": str(end[0].event_id)}) as stream:
        assert stream.status == 204


def test_a_log_ends_with_its_quest(
    server: GatewayServer, bench: Workbench, claim: Claim, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_gateway.live.log_events.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("questline_gateway.live.log_events.LATE_SECONDS", 60.0)
    say("one")
    with EventReader(f"{server.url}{log_of(claim)}/events") as stream:
        events = stream.events()
        next(events)
        bench.finish(claim)
        bench.repository.delete_quest(claim.quest_id)
        assert [event.data["what"] for event in events] == ["deleted"]


def test_what_nobody_is_to_see_is_in_no_line(bench: Workbench, claim: Claim, say: Say) -> None:
    hiding = create_app(load(database_url=bench.url, broker_url="memory://", redact_keys=("token",)))
    say("one", data='{"token":"s3cret","n":1}')

    answer = TestClient(hiding).get(log_of(claim))

    assert answer.json()["items"][0]["data"] == {"token": "[hidden]", "n": 1}
    hiding.state.tenants.close()


def test_a_steps_page_shows_what_it_says(app: FastAPI, claim: Claim, say: Say) -> None:
    http = TestClient(app)
    assert 'id="log"' not in http.get(f"/quests/{claim.quest_id}").text
    say("designing <billing>", data='{"service":"billing"}')

    page = http.get(f"/quests/{claim.quest_id}").text

    assert "designing &lt;billing&gt;" in page
    assert "data-poll" in page
