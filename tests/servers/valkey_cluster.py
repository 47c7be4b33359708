"""Three Valkey servers that are one cluster."""

from types import TracebackType
from typing import Self

import redis

from tests.servers.ports import free_port
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

#: How many hash slots a cluster has.
SLOTS = 16_384
NODES = 3


class ValkeyCluster:
    """A cluster without replicas; each node has a third of the slots."""

    def __init__(self) -> None:
        self.nodes = [
            ValkeyServer(
                "--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "2000"
            )
            for _ in range(NODES)
        ]

    @property
    def urls(self) -> list[str]:
        """The URL of each node."""
        return [node.url for node in self.nodes]

    def start(self) -> Self:
        """Start the nodes and wait until they are one cluster."""
        for node in self.nodes:
            node.start()
        first, *others = [redis.Redis.from_url(url) for url in self.urls]
        bounds = [SLOTS * number // NODES for number in range(NODES + 1)]
        for number, client in enumerate([first, *others]):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        for node, client in zip(self.nodes[1:], others, strict=True):
            port = client.config_get("cluster-port")["cluster-port"]  # type: ignore[index]
            first.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, port)
        for client in (first, *others):
            eventually(lambda client=client: self._is_whole(client), timeout=30.0, message="no cluster")  # type: ignore[misc]
            client.close()
        return self

    def flush(self) -> None:
        """Delete everything."""
        for url in self.urls:
            with redis.Redis.from_url(url) as client:
                client.flushall()

    def close(self) -> None:
        """Stop for good."""
        for node in self.nodes:
            node.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @staticmethod
    def _is_whole(client: redis.Redis) -> bool:
        told = str(client.execute_command("CLUSTER", "INFO"))
        return all(
            word in told for word in ("cluster_state:ok", f"cluster_known_nodes:{NODES}", f"cluster_size:{NODES}")
        )
