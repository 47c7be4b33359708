"""How large a request's body may be: no more of it than that is ever read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Middleware that refuses a body that is too large, as soon as that is known.

    Parameters:
      app: the application inside.
      most: the largest body, in bytes.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            receive = _Counted(receive, self._most, Headers(scope=scope).get("content-length")).receive
        await self._app(scope, receive, send)


class _Counted:
    """A request's body, counted as it is read."""

    def __init__(self, receive: Receive, most: int, told: str | None) -> None:
        self._receive = receive
        self._most = most
        self._left = most
        self._refused = told is not None and (not told.isdigit() or int(told) > most)

    async def receive(self) -> Message:
        """Return the next part.

        Raises:
          HTTPException: the body is too large, by what its head says or by what has come of it.
        """
        if self._refused:
            raise self._refusal()
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._refusal()
        return message

    def _refusal(self) -> HTTPException:
        return HTTPException(413, f"the body is larger than {self._most:,} bytes")
