"""A TCP proxy that harms what passes through it: cuts, delays, lost replies, black holes."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from tests.servers.ports import on_free_port
from tests.servers.process import ServerError

#: Most bytes passed on at once.
CHUNK = 65_536
#: How long the proxy's thread may take to do what it is told, in seconds.
PATIENCE = 10.0


#: Closing with SO_LINGER at zero sends a reset instead of an orderly end.
_NO_LINGER = struct.pack("ii", 1, 0)


class _Link:
    """One connection of a client and its twin to the server."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.ends = (client, server)
        #: Whether a reply was swallowed, so that what follows would be taken for it.
        self.spoiled = False

    def abort(self) -> None:
        """Reset both connections."""
        for end in self.ends:
            _reset(end)


class Proxy:
    """Listens on a loopback port and passes everything on to another, until told to do harm.

    Parameters:
      port: returns the port of the server, which may change while it is down.
    """

    def __init__(self, port: Callable[[], int]) -> None:
        self._server_port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-proxy", daemon=True)
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._delay = 0.0
        self._swallowing = False
        self._refusing = False
        self._server: asyncio.Server | None = None
        self.port = 0

    # Harm; each lasts until `heal`, but for `cut`

    def cut(self) -> int:
        """Reset every connection; return how many there were."""
        return self._call(self._cut)

    def refuse(self) -> None:
        """Reset every new connection."""
        self._call(lambda: setattr(self, "_refusing", True))

    def delay(self, seconds: float) -> None:
        """Let every packet wait."""
        self._call(lambda: setattr(self, "_delay", seconds))

    def swallow_replies(self) -> None:
        """Pass on what clients say, and nothing of what the server answers."""
        self._call(lambda: setattr(self, "_swallowing", True))

    def swallow_all(self) -> None:
        """Be a black hole: connections stay, new ones come, and nothing passes before `heal`."""
        self._call(self._open.clear)

    def heal(self) -> None:
        """Pass everything on again; connections that missed a reply are reset."""
        self._call(self._heal)

    # Life

    def start(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        on_free_port(self._listen_on)
        return self

    def close(self) -> None:
        """Reset all connections and end the thread. Idempotent."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _listen_on(self, port: int) -> None:
        serving = asyncio.start_server(self._serve, "127.0.0.1", port)
        try:
            self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result(PATIENCE)
        except OSError as error:
            raise ServerError(f"cannot listen on {port}: {error}") from error
        self.port = port

    def _call(self, action: Callable[[], Any]) -> Any:
        """Do something in the proxy's thread and return what came of it."""
        done: Future[Any] = Future()

        def call() -> None:
            try:
                done.set_result(action())
            except BaseException as error:  # noqa: BLE001  (it is raised in the caller's thread)
                done.set_exception(error)

        self._loop.call_soon_threadsafe(call)
        return done.result(PATIENCE)

    def _cut(self) -> int:
        links = list(self._links)
        for link in links:
            link.abort()
        return len(links)

    def _heal(self) -> None:
        self._delay, self._swallowing, self._refusing = 0.0, False, False
        for link in [link for link in self._links if link.spoiled]:
            link.abort()
        self._open.set()

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        self._heal()
        self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self._refusing:
                await self._connect(reader, client)
        except (OSError, asyncio.CancelledError):
            pass  # the server is down, or we are
        finally:
            _reset(client)
            self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        await self._open.wait()
        answers, server = await asyncio.open_connection("127.0.0.1", self._server_port())
        link = _Link(client, server)
        self._links.add(link)
        try:
            forth = asyncio.ensure_future(self._pass_on(link, reader, server, replies=False))
            back = asyncio.ensure_future(self._pass_on(link, answers, client, replies=True))
            await asyncio.wait({forth, back}, return_when=asyncio.FIRST_COMPLETED)
            for task in (forth, back):
                task.cancel()
            await asyncio.gather(forth, back, return_exceptions=True)
        finally:
            link.abort()
            self._links.discard(link)

    async def _pass_on(
        self, link: _Link, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, replies: bool
    ) -> None:
        """Pass bytes on in one direction until either side closes."""
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._open.wait()
                if replies and (self._swallowing or link.spoiled):
                    link.spoiled = True
                    continue
                target.write(data)
                await target.drain()


def _reset(end: asyncio.StreamWriter) -> None:
    """Reset a connection, as a host does that has forgotten it."""
    if not end.transport.is_closing():
        with suppress(OSError):
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        end.transport.abort()
