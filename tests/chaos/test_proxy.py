"""The proxy does the harm that it says."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.chaos.proxy import Proxy
from tests.waiting import eventually


@pytest.fixture
def echo_port() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=_echo, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _echo(connection: socket.socket) -> None:
    with suppress(OSError), connection:
        while data := connection.recv(1024):
            connection.sendall(data)


@pytest.fixture
def proxy(echo_port: int) -> Iterator[Proxy]:
    with Proxy(lambda: echo_port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5.0) as client:
        assert _answer(client) == b"hello"
        yield client


def _answer(client: socket.socket) -> bytes:
    client.sendall(b"hello")
    return client.recv(1024)


def _ends(client: socket.socket) -> bool:
    """Tell whether the connection ends, by a reset or in order."""
    try:
        return client.recv(1024) == b""
    except ConnectionError:
        return True


def _is_refused(proxy: Proxy) -> bool:
    """Tell whether a new connection ends at once; the reset may even come before the connection is reported."""
    try:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5.0) as client:
            return _ends(client)
    except ConnectionError:
        return True


def test_a_cut_resets_connections_and_new_ones_pass(proxy: Proxy, client: socket.socket) -> None:
    assert proxy.cut() == 1
    assert _ends(client)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5.0) as another:
        assert _answer(another) == b"hello"


def test_a_refused_connection_is_reset(proxy: Proxy) -> None:
    proxy.refuse()
    assert _is_refused(proxy)


def test_a_delay_makes_answers_late(proxy: Proxy, client: socket.socket) -> None:
    proxy.delay(0.1)
    begun = time.monotonic()
    assert _answer(client) == b"hello"
    assert time.monotonic() - begun >= 0.2


def test_lost_replies_reset_the_connection_when_it_heals(proxy: Proxy, client: socket.socket) -> None:
    proxy.swallow_replies()
    client.sendall(b"hello")
    eventually(lambda: any(link.spoiled for link in proxy._links), message="the reply was not swallowed")
    proxy.heal()
    with pytest.raises(ConnectionResetError):
        client.recv(1024)


def test_a_black_hole_keeps_everything_until_it_heals(proxy: Proxy, client: socket.socket) -> None:
    proxy.swallow_all()
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        _answer(client)
    proxy.heal()
    client.settimeout(5.0)
    assert client.recv(1024) == b"hello"


def test_a_server_that_is_down_resets_its_clients() -> None:
    with Proxy(lambda: 1) as proxy:
        assert _is_refused(proxy)
