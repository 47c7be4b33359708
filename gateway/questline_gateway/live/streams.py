"""All open streams of one application: how many there may be, and their end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from http import HTTPStatus

from starlette.exceptions import HTTPException

from questline_gateway.live import wire
from questline_gateway.live.listener import Ended, Listener
from questline_gateway.live.log_events import LogEvents
from questline_gateway.live.namespace_events import namespace_events
from questline_gateway.live.quest_events import QuestEvents
from questline_gateway.live.reader import Reader
from questline_gateway.security import Veil
from questline_gateway.tenants import Tenant
from questline_persistence.records.changes import Changes, Look

#: Seconds after which a stream ends, so that who reads it asks anew whether it still may.
LONGEST_SECONDS = 600.0
#: Seconds after which who was refused may try again.
RETRY_AFTER = 5
STOPPED = "the gateway stops: connect again"
LONG_ENOUGH = "this stream has lasted long enough: connect again"


class Streams:
    """The open streams of one application, over one reader for each namespace and event loop.

    Parameters:
      most: most streams that are open at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._open: dict[Listener[Look] | Listener[Changes], asyncio.AbstractEventLoop] = {}
        self._readers: dict[tuple[asyncio.AbstractEventLoop, str], Reader] = {}
        self._stopped = False

    def of_quest(self, here: Tenant, quest_id: str, after: int) -> wire.EventStream:
        """Return the stream of what happens to a quest.

        Parameters:
          here: the namespace.
          quest_id: the quest, which must be there.
          after: the version that was seen last; -1 where none was.

        Raises:
          HTTPException: too many streams are open.
        """
        listener = Listener[Look]()
        reader = self._admit(here, listener)
        reader.follow(quest_id, listener)
        events = QuestEvents(reader, quest_id, after).sent_to(listener)
        return self._stream(reader, quest_id, listener, events)

    def of_namespace(self, here: Tenant) -> wire.EventStream:
        """Return the stream of which quests change.

        Parameters:
          here: the namespace.

        Raises:
          HTTPException: too many streams are open.
        """
        listener = Listener[Changes]()
        reader = self._admit(here, listener)
        reader.follow_all(listener)
        return self._stream(reader, None, listener, namespace_events(here.namespace, listener))

    def of_log(self, here: Tenant, quest_id: str, after: str | None, veil: Veil) -> wire.EventStream:
        """Return the stream of what a quest's steps say.

        Parameters:
          here: the namespace.
          quest_id: the quest, which must be there.
          after: the cursor of the line that was seen last; None where none was.
          veil: takes out what nobody is to see.

        Raises:
          HTTPException: too many streams are open.
          PayloadError: a cursor that no line has.
        """
        lines = LogEvents(here, quest_id, after, veil)
        listener = Listener[Look]()
        reader = self._admit(here, listener)
        return self._stream(reader, None, listener, lines.sent_to(listener))

    def wake(self) -> None:
        """Have everybody who listens told soon: something has been changed here. From any thread."""
        with self._lock:
            readers = list(self._readers.items())
        for (loop, _), reader in readers:
            with suppress(RuntimeError):  # that loop has ended, and its streams with it
                loop.call_soon_threadsafe(reader.wake)

    def stop(self) -> None:
        """End all streams, each with a comment, and open no more. From any thread."""
        with self._lock:
            self._stopped = True
            listeners = list(self._open.items())
        for listener, loop in listeners:
            with suppress(RuntimeError):  # as above
                loop.call_soon_threadsafe(listener.end, STOPPED)

    def _admit(self, here: Tenant, listener: Listener[Look] | Listener[Changes]) -> Reader:
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._stopped or len(self._open) >= self._most:
                why = "the gateway stops" if self._stopped else f"{self._most} event streams are open already"
                raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, why, {"Retry-After": str(RETRY_AFTER)})
            self._open[listener] = loop
            key = (loop, here.namespace)
            if key not in self._readers:
                self._readers[key] = Reader(here.database, here.namespace, here.client.broker.watch)
            return self._readers[key]

    def _stream(
        self,
        reader: Reader,
        quest_id: str | None,
        listener: Listener[Look] | Listener[Changes],
        events: AsyncGenerator[bytes],
    ) -> wire.EventStream:
        late = asyncio.get_running_loop().call_later(LONGEST_SECONDS, listener.end, LONG_ENOUGH)

        def close() -> None:
            late.cancel()
            reader.leave(quest_id, listener)
            self._forget(listener)

        return wire.EventStream(_whole(events), listener.over, close)

    def _forget(self, listener: Listener[Look] | Listener[Changes]) -> None:
        with self._lock:
            self._open.pop(listener, None)
            for key in [key for key, reader in self._readers.items() if reader.idle]:
                del self._readers[key]


async def _whole(events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield a stream with what begins it, and with what ends it if it is to be asked for again."""
    yield wire.PREFACE
    try:
        async for part in events:
            yield part
    except Ended as end:
        yield wire.farewell(str(end))
    finally:
        await events.aclose()
