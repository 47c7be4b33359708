"""How a test opens one more broker."""

from collections.abc import Callable

from questline_scheduler.doorbells.redis_broker import RingingRedisBroker

Open = Callable[..., RingingRedisBroker]
