"""What `questline doctor` asks the broker, and tries there. It leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from questline.cli.commands import masked
from questline.cli.doctor.check import Check, failed, passed, warned
from questline.cli.doctor.clock_check import compare_clocks
from questline.cli.exit_codes import ExitCode
from questline.cli.failures import explain
from questline.cli.invocation import Invocation
from questline_persistence.errors import QuestlineError, StoreUnavailable

if TYPE_CHECKING:
    import redis

    from questline_scheduler.doorbells.redis_broker import RingingRedisBroker

#: The share of its memory that a server may use before doctor warns.
FULL_SHARE = 0.9


def check_broker(invocation: Invocation) -> Iterator[Check]:
    """Yield whether the broker does what workers ask of it, its clock, and whether it may throw bells away."""
    url = invocation.settings.broker_url
    if url.startswith("memory:"):
        yield passed("broker", "reach", "memory:// (inside each worker process; no server)")
        return
    from questline_scheduler.doorbells import open_broker  # noqa: PLC0415  (Dramatiq)
    from questline_scheduler.doorbells.redis_broker import RingingRedisBroker  # noqa: PLC0415  (100 ms)

    try:
        broker = open_broker(url, namespace=invocation.settings.namespace)
    except QuestlineError as error:
        failure = explain(error)
        yield failed("broker", "url", failure.message, failure.hint, exit_code=ExitCode(failure.exit_code))
        return
    if isinstance(broker, RingingRedisBroker):
        with closing(broker):
            yield from _check_redis(broker, masked(url))


def _check_redis(broker: RingingRedisBroker, url: str) -> Iterator[Check]:
    """Yield whether a Redis server does what workers ask of it, and what it says of itself."""
    import redis  # noqa: PLC0415  (100 ms)

    try:
        broker.ping()
        server = broker.server
    except StoreUnavailable as error:
        yield failed("broker", "reach", f"{url}: {error.message}", error.hint, exit_code=ExitCode.UNREACHABLE)
        return
    yield passed("broker", "reach", url)
    yield _rehearse(broker)
    if broker.in_cluster:
        yield _cluster(server)
    for look in (_server, _clock, _policy, _memory):
        try:
            yield look(server)
        except redis.RedisError as error:  # a user who may not ask; bells need none of this
            yield warned("broker", look.__name__.strip("_"), f"not told: {error}", "let this user run INFO and TIME")


def _rehearse(broker: RingingRedisBroker) -> Check:
    """Ring, fetch and give back, as workers do."""
    try:
        broker.rehearse()
    except StoreUnavailable as error:
        exit_code = ExitCode.NOT_ALLOWED if "docs/reference/broker.md" in (error.hint or "") else ExitCode.UNREACHABLE
        return failed("broker", "rehearsal", error.message, error.hint, exit_code=exit_code)
    return passed("broker", "rehearsal", "a wake-up was sent, fetched and given back")


def _cluster(server: redis.Redis) -> Check:
    found: dict[str, Any] = server.cluster("INFO")
    state, nodes = found.get("cluster_state", "?"), found.get("cluster_known_nodes", "?")
    options = server.connection_pool.connection_kwargs
    where = f"{options['host']}:{options['port']}"
    message = f"state {state}, {nodes} node{'' if nodes == '1' else 's'}; {where} keeps this namespace's wake-ups"
    if state == "ok":
        return passed("broker", "cluster", message, {"state": state, "node": where})
    return warned("broker", "cluster", message, "redis-cli --cluster check tells which slots no node has")


def _server(client: redis.Redis) -> Check:
    found: dict[str, Any] = client.info("server")
    name = found.get("server_name") or "redis"
    number = found.get("valkey_version") or found.get("redis_version")
    return passed("broker", "server", f"{name} {number}", {"server": name, "version": number})


def _clock(client: redis.Redis) -> Check:
    before = time.time()
    seconds, micros = client.time()
    return compare_clocks("broker", "the broker", seconds + micros / 1e6 - (before + time.time()) / 2)


def _policy(client: redis.Redis) -> Check:
    found: dict[str, Any] = client.info("memory")
    policy = str(found.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        return passed("broker", "maxmemory-policy", policy, policy)
    hint = "CONFIG SET maxmemory-policy noeviction; questline sends evicted wake-ups again, some seconds later"
    return warned("broker", "maxmemory-policy", policy, hint, policy)


def _memory(server: redis.Redis) -> Check:
    found: dict[str, Any] = server.info("memory")
    used, limit = int(found["used_memory"]), int(found.get("maxmemory", 0))
    if not limit:
        return passed("broker", "maxmemory", f"no limit, {used / 1e6:.1f} MB used", {"used_bytes": used})
    message, value = f"{used / 1e6:.1f} of {limit / 1e6:.1f} MB used", {"used_bytes": used, "limit_bytes": limit}
    if used < FULL_SHARE * limit:
        return passed("broker", "maxmemory", message, value)
    hint = "raise its maxmemory, or give the wake-ups a server of their own; a full server takes none"
    return warned("broker", "maxmemory", message, hint, value)
