"""How large a request's body may be, and how long it may take to come: no more of it than that is ever read."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Seconds in which a whole body must have come.
BODY_SECONDS = 60.0


class BodyLimit:
    """Middleware that refuses a body that is too large or too slow, as soon as that is known.

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
        self._whole = False
        self._until: float | None = None
        self._refused = told is not None and (not told.isdigit() or int(told) > most)

    async def receive(self) -> Message:
        """Return the next part.

        Raises:
          HTTPException: the body is too large, by what its head says or by what has come of it; or it is too slow.
        """
        if self._refused:
            raise self._refusal()
        message = await (self._receive() if self._whole else self._in_time())
        self._whole = not message.get("more_body", False)
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._refusal()
        return message

    async def _in_time(self) -> Message:
        loop = asyncio.get_running_loop()
        if self._until is None:
            self._until = loop.time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(self._until):
                return await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"the body has not come within {BODY_SECONDS:g} seconds") from None

    def _refusal(self) -> HTTPException:
        return HTTPException(413, f"the body is larger than {self._most:,} bytes")
