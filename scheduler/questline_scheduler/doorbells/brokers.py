"""Opens the broker that a URL names."""

from __future__ import annotations

from questline_persistence.errors import ConfigurationError
from questline_scheduler.doorbells.doorbell_broker import DoorbellBroker
from questline_scheduler.doorbells.memory_broker import MemoryBroker

#: Schemes of URLs that the Redis client understands.
REDIS_SCHEMES = frozenset(
    {"redis", "rediss", "unix", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"}
)


def open_broker(url: str, *, namespace: str) -> DoorbellBroker:
    """Return the broker at `url` for one namespace; it connects when it is first used.

    Parameters:
      url: `memory://`, or a server's, a cluster's or its sentinels' as `RedisLink` takes it.
      namespace: the tenant; brokers of different ones share nothing.

    Raises:
      ConfigurationError: the URL is malformed, or of an unknown scheme.
    """
    scheme = url.partition(":")[0].lower()
    if scheme == "memory":
        return MemoryBroker()
    if scheme in REDIS_SCHEMES:
        return _open_redis(url, namespace)
    raise ConfigurationError(
        f"{scheme[:20]!r} is no scheme of a broker URL",
        hint="use memory://, redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH",
    )


def _open_redis(url: str, namespace: str) -> DoorbellBroker:
    # The Redis client takes a tenth of a second to import, which users of memory:// need not pay.
    from questline_scheduler.doorbells.redis_broker import RingingRedisBroker  # noqa: PLC0415

    try:
        return RingingRedisBroker(url, namespace=namespace)
    except ValueError:  # its text may hold a part of the password
        raise ConfigurationError(
            "the broker URL is malformed",
            hint="write redis://[USER:PASSWORD@]HOST:PORT/DB, redis+cluster://HOST:PORT,HOST:PORT or "
            "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB, the password %-encoded",
        ) from None
