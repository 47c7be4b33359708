"""What managers of a database have in common: the store, its connections, the tenant."""

from __future__ import annotations

from questline_persistence.dialects import PoolLimits
from questline_persistence.memory.door import AnyStore, AsyncDoor

#: How many connections a manager keeps, and how many more it may open for a moment.
POOL_SIZE, MAX_OVERFLOW = 20, 10


class DbManager(AsyncDoor):
    """Keeps sessions in a database.

    Parameters:
      db_url: a path of an SQLite file, ":memory:", or a URL of SQLite or PostgreSQL; None means the one that the
        settings name. Or another manager, whose connections this one shares.
      pool_size: how many connections are kept open.
      max_overflow: how many more may be open for a moment.
      echo: whether each SQL statement is logged, without its values.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps keys apart within the tenant; keys of another prefix, or of none, are never seen.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
      PayloadError: a number is none, or the namespace or the key prefix no text.
    """

    def __init__(
        self,
        db_url: AnyStore = None,
        pool_size: int = POOL_SIZE,
        max_overflow: int = MAX_OVERFLOW,
        echo: bool = False,
        *,
        namespace: str | None = None,
        key_prefix: str | None = None,
    ) -> None:
        pool = PoolLimits(size=pool_size, overflow=max_overflow)
        super().__init__(db_url, namespace=namespace, key_prefix=key_prefix, pool=pool, echo=echo)
