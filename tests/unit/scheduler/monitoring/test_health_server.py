import http.client
import json
import logging
import socket
from collections.abc import Iterator

import pytest

from questline_persistence.errors import ConfigurationError
from questline_persistence.settings import load
from questline_scheduler.monitoring import Gauges, Probes, Tally, open_health_server
from questline_scheduler.monitoring.health_server import MAX_REQUESTS, HealthServer
from tests.contract.quests import Workbench
from tests.waiting import eventually


@pytest.fixture
def probes(bench: Workbench) -> Probes:
    return Probes({}, Gauges(bench.database, bench.namespace), Tally())


@pytest.fixture
def server(probes: Probes) -> Iterator[HealthServer]:
    with HealthServer("127.0.0.1", 0, probes) as server:
        yield server


def ask(server: HealthServer, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_it_answers_probes_and_metrics_and_nothing_else(
    server: HealthServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    assert ask(server, "/readyz?verbose=1") == (200, b'{"ready": true, "checks": []}\n')
    assert json.loads(ask(server, "/livez")[1]) == {"alive": True}
    assert b"quest_steps_total" in ask(server, "/metrics")[1]
    assert ask(server, "/livez", "HEAD") == (200, b"")
    assert ask(server, "/")[0] == 404
    assert ask(server, "/livez", "POST")[0] == 501
    assert [record.getMessage() for record in caplog.records] == [], "probes come every few seconds"
    assert capfd.readouterr() == ("", "")


def test_a_port_that_is_taken_is_told_with_what_to_do(server: HealthServer, probes: Probes) -> None:
    with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{server.port} .*in use") as refused:
        HealthServer("127.0.0.1", server.port, probes)
    assert "QUESTLINE_HEALTH_PORT" in str(refused.value.hint)


def test_an_address_that_is_not_this_machine_s_is_told(probes: Probes) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot listen on 192\.0\.2\.1:0"):
        HealthServer("192.0.2.1", 0, probes)


def test_it_stops_at_once_although_a_client_says_nothing(probes: Probes) -> None:
    server = HealthServer("127.0.0.1", 0, probes)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)):
        server.stop()
    assert not server._thread.is_alive()


def test_clients_that_say_nothing_take_a_bounded_number_of_threads(server: HealthServer) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(MAX_REQUESTS)]
    refused = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    assert refused.recv(1) == b"", "hung up"
    for client in (*silent, refused):
        client.close()
    eventually(lambda: server._server._places._value == MAX_REQUESTS)  # type: ignore[attr-defined]
    assert ask(server, "/livez")[0] == 200


def test_without_a_port_nothing_is_served() -> None:
    def never() -> Probes:
        raise AssertionError("nothing is made")

    assert open_health_server(load(), never) is None
