"""Streams as such, whatever the store: many, idle, slow, too many, long, and ended; nobody does any harm."""

import threading
import time
import urllib.request
from contextlib import closing

import pytest
from fastapi import FastAPI

from questline_gateway.app import create_app
from questline_gateway.live import listener, reader, streams, wire
from questline_gateway.server import STOP_SECONDS, GatewayServer
from questline_persistence.settings import load
from questline_scheduler.doorbells import open_broker
from tests.contract.quests import Workbench, statements
from tests.doorbells import bell
from tests.integration.gateway.live.event_reader import EventReader, deaf, everything, of, told
from tests.integration.gateway.test_server import served
from tests.waiting import eventually


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_two_hundred_readers_ask_no_more_than_one_does(app: FastAPI, bench: Workbench, server: GatewayServer) -> None:
    quest_id = bench.submit("a", "b")
    opened = [EventReader(of(server, quest_id)) for _ in range(200)]
    for stream in opened:
        next(stream.events())
    with statements(app.state.tenants.database) as sent:
        bench.advance(quest_id, 1)
        for stream in opened:
            assert told(next(stream.events())) == ("step_succeeded", "running")
    asked = [one for one in sent if "FROM quest" in one]
    for stream in opened:
        stream.close()

    assert 2 <= len(asked) < 20
    eventually(lambda: not app.state.streams._readers, message="nobody asks once nobody listens")


def test_an_idle_stream_says_that_it_goes_on(
    bench: Workbench, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEARTBEAT_SECONDS", 0.01)
    for url in (of(server, bench.submit("a")), everything(server)):
        with EventReader(url) as stream:
            assert any(event.comment == "alive" for event in stream.everything())


def test_a_stream_does_not_last_for_ever(
    bench: Workbench, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LONGEST_SECONDS", 0.01)
    with EventReader(of(server, bench.submit("a"))) as stream:
        assert list(stream.everything())[-1].comment == streams.LONG_ENOUGH


def test_who_does_not_read_is_cut_off_and_others_are_not(
    app: FastAPI, bench: Workbench, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "MOST_WAITING", 2)
    monkeypatch.setattr(wire, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(wire, "HEARTBEAT", b": " + b"x" * 200_000 + b"\n\n")
    monkeypatch.setattr(wire, "HEARTBEAT_SECONDS", 0.001)
    quest_id = bench.submit(*["a"] * 400)
    slow = deaf(of(server, quest_id))
    eventually(lambda: len(app.state.streams._open) == 1)

    def moved_on() -> bool:
        bench.advance(quest_id, 1)
        return not app.state.streams._open

    eventually(moved_on, message="who does not read is cut off")
    monkeypatch.setattr(wire, "HEARTBEAT_SECONDS", 15.0)
    with EventReader(of(server, quest_id)) as stream:
        assert told(next(stream.events())) == ("submitted", "new")
    slow.close()


def test_further_streams_than_the_limit_are_told_to_come_back(bench: Workbench) -> None:
    app = create_app(load(database_url=bench.url, broker_url="memory://", http_streams=1))
    with served(app) as server, EventReader(everything(server)) as first:
        next(first.events())
        with EventReader(everything(server)) as second:
            assert (second.status, second.headers["Retry-After"]) == (503, str(streams.RETRY_AFTER))
            assert second.json()["code"] == "unavailable"
        first.close()
        eventually(lambda: not app.state.streams._open)
        with EventReader(everything(server)) as third:
            assert third.status == 200


def test_open_streams_end_at_once_when_the_gateway_stops(bench: Workbench, server: GatewayServer) -> None:
    opened = [EventReader(url) for url in (of(server, bench.submit("a")), everything(server)) for _ in range(5)]
    for stream in opened:
        next(stream.events())
    before = time.monotonic()
    server.stop()
    assert time.monotonic() - before < STOP_SECONDS
    assert not server.running
    for stream in opened:
        with stream:
            assert list(stream.everything())[-1].comment == streams.STOPPED


def test_those_who_listen_hear_again_once_the_store_answers(
    bench: Workbench, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    quest_id = bench.submit("a")
    real, failed = reader.FollowedQuests.look, []

    def look(*arguments: object) -> object:
        if len(failed) < 2:
            failed.append(1)
            raise RuntimeError("the store is away")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(reader.FollowedQuests, "look", look)
    with EventReader(of(server, quest_id)) as stream:
        assert told(next(stream.events())) == ("submitted", "new")
    assert len(failed) == 2


def test_what_is_changed_by_http_is_told_without_waiting_for_the_next_look(
    bench: Workbench, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAUSE_FIRST", 3_600.0)
    monkeypatch.setattr(reader, "PAUSE_LONGEST", 3_600.0)
    quest_id = bench.submit("a")
    with EventReader(of(server, quest_id)) as stream:
        events = stream.events()
        assert told(next(events)) == ("submitted", "new")
        cancel = urllib.request.Request(f"{server.url}/api/v1/quests/{quest_id}/cancel", method="POST")  # noqa: S310  (our own server)
        urllib.request.urlopen(cancel, timeout=30).close()  # noqa: S310  (our own server)
        assert told(next(events)) == ("ended", "cancelled")


def test_the_broker_wakes_those_who_listen_and_a_stream_ends_its_thread(
    bench: Workbench, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAUSE_FIRST", 3_600.0)
    monkeypatch.setattr(reader, "PAUSE_LONGEST", 3_600.0)
    quest_id = bench.submit("a")
    app = create_app(load(database_url=bench.url, broker_url=redis_url))
    with served(app) as server, EventReader(of(server, quest_id)) as stream:
        events = stream.events()
        assert told(next(events)) == ("submitted", "new")
        bench.advance(quest_id, 1)  # as a worker does, which then tells the broker
        with closing(open_broker(redis_url, namespace="default")) as broker:
            broker.ring([bell(quest_id)])
        assert ("completed", "completed") in map(told, events)
        stream.close()
        eventually(lambda: not any(thread.name.startswith("watching") for thread in threading.enumerate()))


def test_streams_go_on_without_the_broker(bench: Workbench, caplog: pytest.LogCaptureFixture) -> None:
    quest_id = bench.submit("a")
    app = create_app(load(database_url=bench.url, broker_url="redis://127.0.0.1:1"))
    with served(app) as server, EventReader(of(server, quest_id)) as stream:
        events = stream.events()
        assert told(next(events)) == ("submitted", "new")
        eventually(lambda: "live_broker_lost" in caplog.text)
        bench.advance(quest_id, 1)
        assert ("completed", "completed") in map(told, events)
