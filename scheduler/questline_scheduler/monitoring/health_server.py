"""A small HTTP server beside a worker pool or a scheduler, for probes and metrics. It logs no request."""

from __future__ import annotations

import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Self

from questline_persistence.errors import ConfigurationError
from questline_persistence.log import get_logger
from questline_scheduler.monitoring.probes import PATHS, Probes

log = get_logger(__name__)

#: Most requests at a time; a connection beyond them is closed.
MAX_REQUESTS = 16
#: How many seconds a client has to send its request, or to take the answer.
CLIENT_SECONDS = 5.0
#: Seconds between two looks of the server for whether it is to stop.
LOOK_SECONDS = 0.1

_PORT_HINT = (
    "set QUESTLINE_HEALTH_PORT to a port that is free, another one for each worker pool and scheduler of this machine, "
    "or leave it out; QUESTLINE_HEALTH_HOST is an address of this machine"
)


class HealthServer:
    """Answers probes on a port of its own, from threads that keep no process from ending.

    Parameters:
      host: the address to listen to.
      port: the port; 0 takes any that is free.
      probes: what is answered.

    Raises:
      ConfigurationError: it cannot listen there.
    """

    def __init__(self, host: str, port: int, probes: Probes) -> None:
        try:
            self._server = _Server(host, port, probes)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            message = f"cannot listen on {host}:{port} for probes: {reason}"
            raise ConfigurationError(message, hint=_PORT_HINT) from None
        self.port: int = self._server.server_address[1]
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(LOOK_SECONDS,), name="questline-health", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        log.info("health_served", host=self._server.server_address[0], port=self.port)

    def stop(self) -> None:
        """Answer no more; requests under way are left to themselves."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, probes: Probes) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.probes = probes
        self._places = threading.BoundedSemaphore(MAX_REQUESTS)
        super().__init__((host, port), _Request)

    def server_bind(self) -> None:
        """Bind without asking a name server for the machine's name, which HTTP's own server does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # as theirs are

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread of its own, or hang up where too many are being answered."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the system gives no thread
            self._places.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request, and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone."""


class _Request(BaseHTTPRequestHandler):
    timeout = CLIENT_SECONDS
    server_version, sys_version = "questline", ""

    def do_GET(self) -> None:
        """Answer with a body."""
        assert isinstance(self.server, _Server)  # noqa: S101  (nobody else serves these requests)
        answer = self.server.probes.answer(self.path.partition("?")[0], self.headers.get("Accept", ""))
        if answer is None:
            self.send_error(HTTPStatus.NOT_FOUND, explain=f"try one of {', '.join(PATHS)}")
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815  (the library's name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library's names)
        """Log nothing: probes come every few seconds, for ever."""
