"""A reader of server-sent events, over a connection of its own."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from questline_gateway.server import GatewayServer

#: Seconds in which something must come.
PATIENCE = 20


@dataclass
class Event:
    """One event, or comment, as it came."""

    name: str = ""
    event_id: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    comment: str | None = None


class EventReader:
    """Reads one stream."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.netloc, timeout=PATIENCE)
        self._connection.request("GET", f"{address.path}?{address.query}", headers=dict(headers or {}))
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = self._response.headers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Go away."""
        self._response.close()
        self._connection.close()

    def everything(self) -> Iterator[Event]:
        """Yield what comes, comments too, until the stream ends."""
        event = Event()
        for line in self._response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                event.name = value
            elif name == "id":
                event.event_id = value
            elif name == "data":
                event.data = json.loads(value)
            elif name == "" and value:
                event.comment = value
            elif name == "" and event != Event():
                yield event
                event = Event()

    def events(self) -> Iterator[Event]:
        """Yield the events until the stream ends."""
        return (event for event in self.everything() if event.comment is None)

    def json(self) -> Any:
        """Return the whole answer, where it is no stream."""
        return json.loads(self._response.read())


def deaf(url: str) -> socket.socket:
    """Ask for a stream, and read none of it."""
    address = urlsplit(url)
    assert address.hostname is not None
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
    own.connect((address.hostname, address.port))
    own.sendall(f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
    return own


def of(server: GatewayServer, quest_id: str) -> str:
    """Return where a quest's events are told."""
    return f"{server.url}/api/v1/quests/{quest_id}/events"


def everything(server: GatewayServer) -> str:
    """Return where it is told which quests change."""
    return f"{server.url}/api/v1/events"


def told(event: Event) -> tuple[str, str]:
    """Return what an event says, in short."""
    return event.data["what"], event.data["status"]
