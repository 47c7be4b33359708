"""What `questline doctor` asks the broker. It changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from questline.cli.check import Check, failed, passed, warned
from questline.cli.clock_check import compare_clocks
from questline.cli.config import masked
from questline.cli.exit_codes import ExitCode
from questline.cli.failures import explain
from questline.cli.invocation import Invocation
from questline_persistence.errors import QuestlineError

if TYPE_CHECKING:
    import redis

#: How long doctor waits for a broker, in seconds.
BROKER_SECONDS = 3.0


def check_broker(invocation: Invocation) -> Iterator[Check]:
    """Yield whether the broker answers, its clock, and whether it is set up not to throw doorbells away."""
    url = invocation.settings.broker_url
    if url.startswith("memory:"):
        yield passed("broker", "reach", "memory:// (inside each worker process; no server)")
        return
    from questline_scheduler.brokers import open_broker  # noqa: PLC0415  (Dramatiq)

    try:
        open_broker(url, namespace=invocation.settings.namespace).close()
        yield from _check_redis(url)
    except QuestlineError as error:
        failure = explain(error)
        yield failed("broker", "url", failure.message, failure.hint, exit_code=ExitCode(failure.exit_code))
    except OSError as error:
        hint = "start it, or mend QUESTLINE_BROKER_URL; quests are accepted meanwhile and start when it is back"
        yield failed("broker", "reach", f"{masked(url)}: {error}", hint, exit_code=ExitCode.UNREACHABLE)


def _check_redis(url: str) -> Iterator[Check]:
    """Yield what a Redis server says of itself; raise OSError where it does not answer."""
    import redis  # noqa: PLC0415  (100 ms)

    client = redis.Redis.from_url(url, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS)
    with closing(client):
        try:
            client.ping()
        except redis.RedisError as error:
            raise OSError(str(error)) from error
        yield passed("broker", "reach", masked(url))
        for look in (_server, _clock, _policy):
            try:
                yield look(client)
            except redis.RedisError as error:  # a user who may not ask; bells need none of this
                yield warned(
                    "broker", look.__name__.strip("_"), f"not told: {error}", "let this user run INFO and TIME"
                )


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
    hint = "CONFIG SET maxmemory-policy noeviction; what is evicted is rung again from SQL, but later"
    return warned("broker", "maxmemory-policy", policy, hint, policy)
