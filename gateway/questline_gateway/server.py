"""The gateway as a server of its own: uvicorn in a thread, so that whoever starts it keeps the signals."""

from __future__ import annotations

import ipaddress
import socket
import threading
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from questline_gateway.prompt_protocol import PromptProtocol
from questline_persistence.errors import ConfigurationError
from questline_persistence.settings import Settings

#: Seconds that open requests get to end when the server stops.
SHUTDOWN_SECONDS = 3
#: Seconds after which a server that does not stop is left behind.
STOP_SECONDS = SHUTDOWN_SECONDS + 1.5
#: Most connections that wait to be accepted.
BACKLOG = 512
#: Most requests under way at a time; further ones are told to come back.
MAX_REQUESTS = 1_000


class GatewayServer:
    """Serves an application at an address, from `start` to `stop`. It listens as soon as it is made.

    Parameters:
      app: the application.
      host: the address to listen at.
      port: the port; 0 takes one that is free.
      base_path: the path under which the application answers.

    Raises:
      ConfigurationError: nothing can listen there.
    """

    def __init__(self, app: FastAPI, host: str, port: int, base_path: str = "") -> None:
        self._app = app
        self._socket = _listening(host, port)
        address, port = self._socket.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        #: Where it is reached, without a slash at its end.
        self.url = f"http://{shown}:{port}{base_path}"
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=PromptProtocol,
            ws="none",
            proxy_headers=False,
            lifespan="on",
            limit_concurrency=MAX_REQUESTS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="questline-gateway", daemon=True)

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, give those under way a few seconds, and end."""
        self._app.state.waiting.stop()
        self._app.state.streams.stop()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        with suppress(OSError):
            self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


def is_loopback(host: str) -> bool:
    """Return whether only programs of this machine reach an address.

    Parameters:
      host: an address, or a name.
    """
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"


def refuse_open_door(settings: Settings, *, guarded: bool, insecure: bool) -> None:
    """Check that nobody from elsewhere can come in without a key.

    Parameters:
      settings: the settings.
      guarded: whether there are keys.
      insecure: whether everybody may come in.

    Raises:
      ConfigurationError: the address is not one of loopback, there is no key, and it was not said to be insecure.
    """
    if not (guarded or insecure or is_loopback(settings.http_host)):
        message = f"at {settings.http_host} everybody who reaches this machine could read and change quests"
        raise ConfigurationError(message, hint=_OPEN_HINT)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Raises:
      ConfigurationError: nothing can.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        message = f"the gateway cannot listen at {host}, port {port}: {error.strerror or error}"
        raise ConfigurationError(message, hint=_PORT_HINT) from None
    found.set_inheritable(False)
    return found


_OPEN_HINT = "make a key, so that everybody needs one: questline keys create NAME; or add --insecure"
_PORT_HINT = "set QUESTLINE_HTTP_HOST and QUESTLINE_HTTP_PORT to an address that is free; port 0 takes any"
