"""The gateway as a server: where it listens, who may come in, and how it ends."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from questline_gateway.api import preferences
from questline_gateway.app import create_app
from questline_gateway.server import STOP_SECONDS, GatewayServer, is_loopback, refuse_open_door
from questline_persistence.errors import ConfigurationError
from questline_persistence.settings import load
from tests.waiting import eventually


@contextmanager
def served(app: FastAPI, base_path: str = "") -> Iterator[GatewayServer]:
    server = GatewayServer(app, "127.0.0.1", 0, base_path)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def answer(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310  (our own server)
        return int(response.status)


def test_it_serves_from_start_to_stop(gateway: FastAPI) -> None:
    with served(gateway) as server:
        assert answer(f"{server.url}/api/v1/quests") == 200
    assert not server.running
    with pytest.raises(urllib.error.URLError):
        answer(f"{server.url}/api/v1/quests")


def test_a_request_under_way_does_not_keep_it_from_ending(gateway: FastAPI) -> None:
    begun, free = threading.Event(), threading.Event()

    @gateway.get("/slow")
    def slow() -> None:
        begun.set()
        free.wait(30)

    with served(gateway) as server:
        caller = threading.Thread(target=_try, args=[f"{server.url}/slow"], daemon=True)
        caller.start()
        assert begun.wait(30)
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < STOP_SECONDS + 0.5
        free.set()


@pytest.mark.parametrize(
    "head", ["", "GET /livez HTTP/1.1\r\nHost: 127.0.0.1", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET"]
)
def test_a_connection_on_which_no_request_comes_is_closed(
    gateway: FastAPI, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    monkeypatch.setattr("questline_gateway.prompt_protocol.HEAD_SECONDS", 0.05)
    with served(gateway) as server, socket.create_connection(_place(server), timeout=30) as connection:
        connection.sendall(head.encode())
        while connection.recv(4_096):
            pass


def test_a_body_that_does_not_come_is_refused(gateway: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("questline_gateway.body_limit.BODY_SECONDS", 0.05)
    head = (
        "POST /api/v1/quests HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    )
    with served(gateway) as server, socket.create_connection(_place(server), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4_096).startswith(b"HTTP/1.1 408 ")


def _place(server: GatewayServer) -> tuple[str, int]:
    return "127.0.0.1", int(server.url.rpartition(":")[2])


def _try(url: str) -> None:
    with suppress(OSError):
        answer(url)


def test_a_base_path_is_answered_whether_a_proxy_takes_it_away_or_not(sqlite_url: str) -> None:
    app = create_app(load(database_url=sqlite_url, broker_url="memory://", http_base_path="/team/quests"))
    with served(app, "/team/quests") as server:
        assert server.url.endswith("/team/quests")
        assert answer(f"{server.url}/api/v1/quests") == 200
        assert answer(f"{server.url.removesuffix('/team/quests')}/api/v1/quests") == 200


def test_an_address_in_use_is_told_with_what_to_do(gateway: FastAPI) -> None:
    with served(gateway) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"cannot listen at 127.0.0.1, port {port}") as caught:
            GatewayServer(gateway, "127.0.0.1", port)
    assert caught.value.hint is not None
    assert "QUESTLINE_HTTP_PORT" in caught.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert is_loopback(host)
    refuse_open_door(load(http_host=host), guarded=False, insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "example.org"])  # noqa: S104  (they are refused)
def test_other_addresses_need_a_key_or_the_word_insecure(host: str) -> None:
    with pytest.raises(ConfigurationError, match="everybody who reaches this machine"):
        refuse_open_door(load(http_host=host), guarded=False, insecure=False)
    refuse_open_door(load(http_host=host), guarded=True, insecure=False)
    refuse_open_door(load(http_host=host), guarded=False, insecure=True)


def test_its_threads_are_bound(gateway: FastAPI) -> None:
    running, most, now = threading.Lock(), [0], [0]
    free = threading.Event()

    @gateway.get("/busy")
    def busy() -> None:
        with running:
            now[0] += 1
            most[0] = max(most[0], now[0])
        free.wait(30)
        with running:
            now[0] -= 1

    with served(gateway) as server:
        callers = [threading.Thread(target=_try, args=[f"{server.url}/busy"], daemon=True) for _ in range(24)]
        for caller in callers:
            caller.start()
        eventually(lambda: now[0] == 16, message="sixteen requests are worked on at a time")
        free.set()
        for caller in callers:
            caller.join(30)
    assert most == [16]


def test_whoever_waits_for_a_quest_is_answered_when_it_stops(gateway: FastAPI) -> None:
    quest = {"quest_type": "t", "execution_stack": ["a:b"]}
    with served(gateway) as server:
        url = f"{server.url}/quest/submit?wait=60"
        request = urllib.request.Request(  # noqa: S310  (our own server)
            url, data=json.dumps(quest).encode(), headers={"Content-Type": "application/json"}
        )
        answers: list[dict[str, Any]] = []
        caller = threading.Thread(target=lambda: answers.append(_read(request)), daemon=True)
        caller.start()
        eventually(lambda: gateway.state.waiting._number == 1, message="the request waits")
        server.stop()
        caller.join(30)
    assert [answer["status"] for answer in answers] == ["new"]


def _read(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310  (our own server)
        found: dict[str, Any] = json.load(response)
    return found


def test_beyond_so_many_nobody_waits(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preferences, "MAX_WAITING", 0)
    quest = {"quest_type": "t", "execution_stack": ["a:b"]}

    assert http.post("/quest/submit?wait=60", json=quest).json()["status"] == "new"
