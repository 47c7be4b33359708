"""A TCP proxy that adds a delay to every byte, as distance does: `python -m benchmarks.harness.proxy PORT SECONDS`.

It delays without holding back: what is sent while earlier bytes are on their way follows them at its own distance.
Threads, not asyncio, whose timers round up to a whole millisecond.
"""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from benchmarks.harness.pool import Command
from tests.servers.ports import free_port

#: Most bytes taken at once.
CHUNK = 65_536
#: Round trips that are timed to learn what the proxy really adds.
PROBES = 200


class Proxy(Command):
    """A proxy before a port of this machine, in a process of its own."""

    def __init__(self, target: int, seconds: float, folder: Path) -> None:
        self.port = free_port()
        words = [sys.executable, "-m", "benchmarks.harness.proxy", str(self.port), str(target), str(seconds)]
        super().__init__(words, folder)

    def __enter__(self) -> Self:
        super().__enter__()
        self.wait_until_logged("listening")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        super().__exit__(kind, error, tb)


def round_trip(url: str) -> float:
    """Return the median seconds of a statement that does nothing."""
    times = []
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(PROBES):
            started = time.perf_counter()
            connection.execute("SELECT 1")
            times.append(time.perf_counter() - started)
    return sorted(times)[PROBES // 2]


def carry(source: socket.socket, target: socket.socket, seconds: float) -> None:
    """Carry bytes one way, each `seconds` later than it came."""
    under_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_deliver, args=(under_way, target), daemon=True).start()
    data = b"?"
    while data:
        try:
            data = source.recv(CHUNK)
        except OSError:
            data = b""
        under_way.put((time.monotonic() + seconds, data))


def _deliver(under_way: queue.SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    while True:
        due, data = under_way.get()
        if (wait := due - time.monotonic()) > 0:
            time.sleep(wait)
        with suppress(OSError):
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)


def main() -> None:
    """Listen until killed."""
    port, target, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    with socket.create_server(("127.0.0.1", port), backlog=128) as server:
        print("listening", flush=True)
        while True:
            near, _ = server.accept()
            far = socket.create_connection(("127.0.0.1", target))
            for side in (near, far):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=carry, args=(*pair, seconds), daemon=True).start()


if __name__ == "__main__":
    main()
