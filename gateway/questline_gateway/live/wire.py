"""Events as they are sent: `text/event-stream`, and the end of those who do not read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.types import Message, Receive, Scope, Send

from questline_gateway.answers import json_bytes

#: Seconds after which a comment says that the stream goes on, where there is nothing else to say.
HEARTBEAT_SECONDS = 15.0
#: Milliseconds after which a program connects again whose connection was lost.
RETRY_MILLIS = 2_000
#: Seconds in which a stream that is to end must have been read, before its connection is cut.
GRACE_SECONDS = 2.0

HEARTBEAT = format_sse_event(comment="alive")
#: What begins each stream.
PREFACE = format_sse_event(retry=RETRY_MILLIS)
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(name: str, data: dict[str, Any], event_id: str | None = None) -> bytes:
    """Return one event.

    Parameters:
      name: what it is called.
      data: what it says.
      event_id: what a program that connects again is to send as `Last-Event-ID`; None leaves that as it is.
    """
    return format_sse_event(event=name, data_str=json_bytes(data).decode(), id=event_id)


def farewell(why: str) -> bytes:
    """Return the comment that ends a stream which is to be asked for again.

    Parameters:
      why: why it ends.
    """
    return format_sse_event(comment=why)


class EventStream(EventSourceResponse):
    """A stream of events. It ends with its reader's connection, and no reader can keep it from ending.

    Parameters:
      events: makes the events.
      over: is set once they are to end.
      close: is called when all is over.
    """

    def __init__(self, events: AsyncGenerator[bytes], over: asyncio.Event, close: Callable[[], None]) -> None:
        super().__init__(events, headers=_HEADERS)
        self._events = events
        self._over = over
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (the signature is ASGI's)
        """Send the events."""
        sending = asyncio.create_task(self._send(send))
        others = [asyncio.create_task(_left(receive)), asyncio.create_task(self._overdue())]
        try:
            await asyncio.wait([sending, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, *others):
                task.cancel()
            ended = await asyncio.gather(sending, *others, return_exceptions=True)
            await self._events.aclose()
            self._close()
        if isinstance(ended[0], Exception):
            raise ended[0]

    async def _send(self, send: Send) -> None:
        start: Message = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        async for part in self._events:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _overdue(self) -> None:
        """Return once the stream should have ended some while ago: nobody reads what is sent."""
        await self._over.wait()
        await asyncio.sleep(GRACE_SECONDS)


async def _left(receive: Receive) -> None:
    """Return once the reader is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
