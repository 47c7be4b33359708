"""The way to Redis: one server, a cluster, or whichever server the sentinels name at the moment.

All keys of a namespace share a hash tag, so that in a cluster they are on one node, and a script may use several.
"""

from __future__ import annotations

import time
from typing import Any, cast
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import parse_url
from redis.exceptions import ResponseError
from redis.retry import Retry
from redis.sentinel import Sentinel

from questline_persistence.dialects import forks

#: Seconds until a reply, or a connection, counts as lost.
REPLY_TIMEOUT, CONNECT_TIMEOUT = 5.0, 3.0
#: Most connections of a process: each queue that it listens to keeps one, in which it waits for a bell.
MAX_CONNECTIONS = 10_000
#: The ports of servers and of sentinels where a URL names none.
SERVER_PORT, SENTINEL_PORT = 6379, 26379

#: What a forked process got from its parent and must never close, not even by forgetting it.
_PARENTS: list[object] = []


class RedisLink:
    """Opens the client that fits the URL and the server, when it is first needed.

    A server that belongs to a cluster is found out by asking it; the client then learns of all nodes.

    Parameters:
      url: `redis://`, `rediss://` or `unix://`; or, with several hosts, `redis+cluster://` and `redis+sentinel://`.

    Raises:
      ValueError: the URL is malformed.
    """

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        base, _, self._kind = scheme.lower().partition("+")
        parts = urlsplit(url)
        login, _, hosts = parts.netloc.rpartition("@")
        sentinels = self._kind == "sentinel"
        port = SENTINEL_PORT if sentinels else SERVER_PORT
        self._hosts = [_host(text, port) for text in hosts.split(",")] if base != "unix" else []
        if len(self._hosts) > 1 and not self._kind:
            raise ValueError("several hosts")
        if self._kind:
            first, path = self._hosts[0], parts.path
            if sentinels:
                self._service, _, path = path.lstrip("/").partition("/")
                if not self._service:
                    raise ValueError("no service")
            rest = f"{login}@{first[0]}:{first[1]}/{path.lstrip('/')}?{parts.query}"
        self._options: dict[str, Any] = _COMMON | parse_url(f"{base}://{rest}")  # type: ignore[no-untyped-call]
        self._opening = forks.new_lock()
        self._begin()
        forks.join(self)

    def _begin(self) -> None:
        """Begin with nothing open; so does a forked process."""
        # Made now, since it finds mistakes in the options; it does not connect.
        self._single = redis.Redis(connection_pool=redis.ConnectionPool(**self._options))
        self._client: redis.Redis | None = None
        self._failure: Exception | None = None
        self._failed_at = 0.0

    def before_fork(self) -> None:
        """Leave everything as it is: the parent goes on with it."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Begin anew: another thread may have held the pool's lock, for which the client would wait for ever."""
        _PARENTS.append((self._single, self._client))
        self._begin()

    @property
    def client(self) -> redis.Redis:
        """The client; opened with the first use, which may raise what the client raises.

        That of a cluster answers to the same commands.
        """
        client = self._client
        if client is None:
            asked_at = time.monotonic()
            with self._opening:
                client = self._client = self._client or self._open_once(asked_at)
        return client

    @property
    def in_cluster(self) -> bool:
        """Whether the server belongs to a cluster."""
        return not isinstance(self.client, redis.Redis)

    def server_of(self, key: str) -> redis.Redis:
        """Return a client of the server that keeps a key."""
        if not self.in_cluster:
            return self.client
        cluster = cast("redis.RedisCluster", self.client)
        return cluster.get_redis_connection(cluster.get_node_from_key(key))  # type: ignore[no-untyped-call]

    @property
    def address(self) -> str:
        """Where the broker is, without the password."""
        if path := self._options.get("path"):
            return str(path)
        return ",".join(f"{host}:{port}" for host, port in self._hosts)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        with self._opening:
            client, self._client = self._client, None
        for one in (client, self._single):
            if one is not None:
                one.close()
        self._single.connection_pool.disconnect()

    def _open_once(self, asked_at: float) -> redis.Redis:
        """Open the client; who waited while another tried in vain is told so, and does not wait once more."""
        if self._failure is not None and self._failed_at > asked_at:
            raise self._failure
        try:
            return self._open()
        except Exception as error:
            self._failure, self._failed_at = error, time.monotonic()
            raise

    def _open(self) -> redis.Redis:
        """Return the client that fits: the sentinels', the cluster's, or that of the one server."""
        if self._kind == "sentinel":
            return self._follow_sentinels()
        if self._kind == "cluster" or self._is_in_cluster():
            return self._join_cluster()
        return self._single

    def _is_in_cluster(self) -> bool:
        """Ask the server whether it belongs to a cluster; one that does not let us ask counts as none."""
        try:
            self._single.cluster("INFO")
        except ResponseError:
            return False
        return True

    def _join_cluster(self) -> redis.Redis:
        """Return a client that finds all nodes by those that the URL names, and lives with some that are down."""
        options = {name: value for name, value in self._options.items() if name not in _NOT_FOR_MANY}
        nodes = [ClusterNode(*host) for host in self._hosts]  # type: ignore[no-untyped-call]
        client = redis.RedisCluster(
            startup_nodes=nodes,
            retry=Retry(NoBackoff(), 0),
            require_full_coverage=False,
            ssl=self._encrypted,
            **options,
        )
        return cast("redis.Redis", client)

    def _follow_sentinels(self) -> redis.Redis:
        """Return a client that asks the sentinels for the primary whenever it connects.

        What the URL says of the login is the primary's; the sentinels' own has `sentinel_` before its names.
        """
        options = {name: value for name, value in self._options.items() if name not in _NOT_FOR_MANY - {"db"}}
        own = {name: options.pop(f"sentinel_{name}") for name in _LOGIN if f"sentinel_{name}" in options}
        asking = {name: value for name, value in options.items() if name not in {*_LOGIN, "db"}} | own
        asking["ssl"] = options["ssl"] = self._encrypted
        sentinel = Sentinel(self._hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
        return cast("redis.Redis", sentinel.master_for(self._service, **options))  # type: ignore[no-untyped-call]

    @property
    def _encrypted(self) -> bool:
        """Whether the URL asks for TLS."""
        return self._options.get("connection_class") is redis.SSLConnection


_LOGIN = ("username", "password")
#: What the URL says of one server alone.
_NOT_FOR_MANY = frozenset({"host", "port", "path", "db", "connection_class", "retry", "retry_on_error"})
_COMMON: dict[str, Any] = {
    "retry": Retry(NoBackoff(), 0),  # a reply that got lost would ring, or fetch, twice
    "retry_on_error": [],
    "socket_timeout": REPLY_TIMEOUT,
    "socket_connect_timeout": CONNECT_TIMEOUT,
    "health_check_interval": 0,
    "max_connections": MAX_CONNECTIONS,
    "protocol": 2,  # spares HELLO and the maintenance notices that only one vendor sends
}


def _host(text: str, port: int) -> tuple[str, int]:
    """Return the host and port that a part of a URL names."""
    split = urlsplit(f"//{text}")
    return split.hostname or "localhost", split.port or port
