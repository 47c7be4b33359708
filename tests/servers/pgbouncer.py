"""A PgBouncer of our own in front of a PostgreSQL server, sharing sessions among transactions."""

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy.engine import make_url

from tests.servers.account import unprivileged_account
from tests.servers.folder import ServerFolder
from tests.servers.ports import on_free_port
from tests.servers.process import ServerError, ServerProcess

#: Sessions of the server for each database: so few that transactions of one client land in different ones.
SESSIONS = 3
SETTINGS = f"""
[databases]
* = host={{host}} port={{port}}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {{own_port}}
auth_type = trust
auth_file = {{folder}}/users
pool_mode = transaction
default_pool_size = {SESSIONS}
max_client_conn = 500
server_idle_timeout = 5
unix_socket_dir =
"""


class PgBouncer:
    """PgBouncer on a loopback port, for all databases of one server.

    Parameters:
      server_url: the URL of any of them, with the user that all clients name.
    """

    def __init__(self, server_url: str) -> None:
        self._server = make_url(server_url)
        self._program = program()
        self._account = unprivileged_account(self._program)
        self._folder = ServerFolder()
        self._account.give(self._folder.path)
        self._process: ServerProcess | None = None
        self._port = 0

    def through(self, url: str) -> str:
        """Return the URL of a database, reached by way of the pooler."""
        pooled = make_url(url).set(host="127.0.0.1", port=self._port)
        return pooled.render_as_string(hide_password=False)

    def __enter__(self) -> Self:
        on_free_port(self._start_on)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._process is not None:
            self._process.stop()
        self._folder.remove()

    def _start_on(self, port: int) -> None:
        self._port, folder = port, self._folder.path
        settings = SETTINGS.format(host=self._server.host, port=self._server.port, own_port=port, folder=folder)
        (folder / "settings.ini").write_text(settings)
        (folder / "users").write_text(f'"{self._server.username}" "{self._server.password or ""}"\n')
        command = [*self._account.prefix, self._program, folder / "settings.ini"]
        self._process = ServerProcess(command, log=folder / "pgbouncer.log", user=self._account.user)
        self._process.wait_until(self._answers, ignoring=(psycopg.OperationalError,))

    def _answers(self) -> bool:
        url = self.through(self._server.render_as_string(hide_password=False))
        with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5, prepare_threshold=None):
            return True


def program() -> Path:
    """Return the installed PgBouncer; Debian's lies where only root looks."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ServerError("QUESTLINE_TEST_POOLER is set, and PgBouncer is not installed")
    return Path(found)
