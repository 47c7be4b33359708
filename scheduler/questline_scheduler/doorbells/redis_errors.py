"""What the Redis client raises, and how people are told of it: what failed, and what mends it."""

from __future__ import annotations

import re

import redis
from redis.exceptions import AuthenticationError, NoPermissionError, ReadOnlyError, RedisClusterException
from redis.sentinel import MasterNotFoundError

from questline_persistence.errors import StoreUnavailable

#: What the client raises when the broker is down, stalled, full, or not the one that we think it is.
BROKER_ERRORS = (redis.RedisError, OSError, RedisClusterException)


def unavailable(address: str, error: Exception) -> StoreUnavailable:
    """Return the error that tells people of one that the Redis client has raised.

    Parameters:
      address: where the broker is, without the password.
      error: one of `BROKER_ERRORS`.
    """
    return StoreUnavailable(f"the broker at {address} failed: {_told(error)}", hint=_hint(error))


def _told(error: Exception) -> str:
    """Return what an error says, without what a client's representation tells."""
    return re.sub(r"<redis\..*>", "a sentinel", str(error))


def _hint(error: Exception) -> str:
    """Return what mends an error."""
    text = str(error)
    hints = (hint for kind, part, hint in _HINTS if isinstance(error, kind) and part in text)
    return next(
        hints, "start it, or check QUESTLINE_BROKER_URL; SQL keeps the quests, which go on when the broker is back"
    )


_RIGHTS = "let its user use the commands and keys that docs/reference/broker.md names"
#: What mends an error of this type that says this.
_HINTS: tuple[tuple[type[Exception], str, str], ...] = (
    (Exception, "maxmemory", "raise its maxmemory, or give the wake-ups a server of their own"),
    (NoPermissionError, "", _RIGHTS),
    (Exception, "ACL failure", _RIGHTS),
    (Exception, "can't access", _RIGHTS),
    (AuthenticationError, "", "check user and password in QUESTLINE_BROKER_URL"),
    (
        MasterNotFoundError,
        "",
        "check the name of the service in QUESTLINE_BROKER_URL, and its sentinel_password if the sentinels ask for one",
    ),
    (ReadOnlyError, "", "this server is a replica: name its primary in QUESTLINE_BROKER_URL, or the sentinels"),
    (
        Exception,
        "DB index is out of range",
        "in QUESTLINE_BROKER_URL, name a database that the server has; a cluster has only database 0",
    ),
)
