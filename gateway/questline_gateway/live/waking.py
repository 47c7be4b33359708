"""Telling those who listen at once of what is changed by HTTP."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from questline_gateway.live.streams import Streams

#: The methods that change nothing.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Waking:
    """Middleware that has the readers look once a request is answered that may have changed something.

    Parameters:
      app: the application inside.
      streams: the open streams.
    """

    def __init__(self, app: ASGIApp, streams: Streams) -> None:
        self._app = app
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            self._streams.wake()
