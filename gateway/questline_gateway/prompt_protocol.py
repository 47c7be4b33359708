"""Connections whose requests do not come: they are closed, so that nobody holds all that the server takes."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds in which the head of a request must have come; it may take twice as long, and no longer.
HEAD_SECONDS = 10.0


class PromptProtocol(H11Protocol):
    """HTTP as uvicorn speaks it, with an end for connections on which no request is under way for too long."""

    _idle_since: Any = None
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to watch a connection."""
        super().connection_made(transport)
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch it no more."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def _look_again(self) -> None:
        self._watch = self.loop.call_later(HEAD_SECONDS, self._look)

    def _look(self) -> None:
        """Close the connection where nothing has begun since the last look, and nothing is under way."""
        idle = self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first
        if idle and self._idle_since == (self.cycle,):
            self.transport.close()
            return
        self._idle_since = (self.cycle,) if idle else None
        self._look_again()
