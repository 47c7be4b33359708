"""Choosing a loopback TCP port for a server that must find it free again after a restart."""

import random
import socket
from collections.abc import Callable
from typing import TypeVar

from tests.servers.process import ServerError

T = TypeVar("T")

#: Below Linux's range for outgoing connections, so that no client sits on the port while its server restarts.
PORTS = range(15_000, 32_000)

#: How many ports are tried before a start is given up.
ATTEMPTS = 20

#: Not the global generator: pytest-randomly seeds that alike in every process, and all would choose the same ports.
_RANDOM = random.SystemRandom()


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    for _ in range(ATTEMPTS):
        port = _RANDOM.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise ServerError(f"no free port found in {ATTEMPTS} tries in {PORTS}")


def on_free_port(start: Callable[[int], T]) -> T:
    """Call `start` with a free port; once more if another process took that port in between."""
    try:
        return start(free_port())
    except ServerError:
        return start(free_port())
