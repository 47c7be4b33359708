"""Each request's id, its line in the log, and what is answered where nothing else has an answer."""

from __future__ import annotations

import re
import secrets
import time
from http import HTTPStatus
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from questline_gateway.problems import unforeseen
from questline_persistence.log import get_logger

#: What a caller's `X-Request-ID` may be; another is replaced by one of ours.
REQUEST_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")
#: The header that carries it, both ways.
HEADER = "X-Request-ID"

log = get_logger(__name__)


class RequestLog:
    """Middleware around everything else: gives each request an id, and tells of it once it is answered.

    Parameters:
      app: the application inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get(HEADER))
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer.send)
            except Exception:
                log.exception("http_request_failed", method=scope["method"], path=_path(scope))
                if answer.status is not None:  # part of it is sent already: only the connection's end can tell
                    raise
                await unforeseen(request_id)(scope, receive, answer.send)
            if scope["state"].get("quiet"):  # probes come every few seconds, for ever
                return
            seconds = round(time.monotonic() - began, 4)
            log.info("http_request", method=scope["method"], path=_path(scope), status=answer.status, seconds=seconds)


class _Answer:
    """Sends an answer, with the request's id among its headers, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = HTTPStatus(message["status"]).value
            MutableHeaders(scope=message)[HEADER] = self._request_id
        await self._send(message)


def _path(scope: Scope) -> str:
    """Return the path of a request as one printable word, which no log takes for anything else."""
    return quote(scope["path"], safe="/:@!$&'()*+,;=~")


def _request_id(given: str | None) -> str:
    """Return the id that a caller gave, or a new one where it gave none that can be logged."""
    return given if given is not None and REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
