"""How programs come to what Lords remember: a store that is opened at first use, plain or to be awaited."""

from __future__ import annotations

from pathlib import Path
from typing import Self, TypeAlias

from questline_persistence import schema, settings
from questline_persistence.arguments import key_prefix as prefix_of
from questline_persistence.arguments import text
from questline_persistence.audit import Actor
from questline_persistence.dialects import PoolLimits, forks
from questline_persistence.memory.awaited import Awaited
from questline_persistence.memory.kept import Kept
from questline_persistence.store import Database, open_database

#: Where a door leads to.
AnyStore: TypeAlias = "str | Path | Database | Kept | Door | None"


class Door:
    """A way to what Lords remember, of one tenant and key prefix. Nothing connects before the first call.

    Parameters:
      url: a path of an SQLite file, ":memory:", a URL of SQLite or PostgreSQL, or an open `Database`; None means the
        one that the settings name. Or another such object, whose connections this one shares; or what is kept already,
        of a running step.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps keys apart within the tenant; keys of another prefix, or of none, are never seen.
      pool: how many connections there are at most; None means as the settings say.
      echo: whether each statement is logged, without its values.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
      PayloadError: the namespace or the key prefix is no text.
    """

    def __init__(
        self,
        url: AnyStore = None,
        *,
        namespace: str | None = None,
        key_prefix: str | None = None,
        pool: PoolLimits | None = None,
        echo: bool = False,
    ) -> None:
        self._held: Kept
        self._opening = forks.new_lock()
        self._owned = not isinstance(url, Database | Kept | Door)
        self._ready = isinstance(url, Kept)
        if isinstance(url, Kept):
            self._held = url
            return
        chosen = settings.load()
        tenant = chosen.namespace if namespace is None else text(namespace, "namespace")
        if isinstance(url, Door):
            database = url._held.database  # noqa: SLF001  (of its own class)
        else:
            database = url if isinstance(url, Database) else open_database(url, chosen, pool=pool, echo=echo)
        self._held = Kept(database, tenant, prefix_of(key_prefix), Actor.of_process(chosen.actor))
        self._migrates = chosen.auto_migrate

    @property
    def _kept(self) -> Kept:
        """What is kept; the store is opened, and its schema looked at, the first time."""
        if not self._ready:
            with self._opening:
                if not self._ready:
                    schema.ensure(self._held.database, auto_migrate=self._migrates)
                    self._ready = True
        return self._held

    def _close(self) -> None:
        if self._owned:
            self._held.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()


class PlainDoor(Door):
    """A door whose methods are called as they are."""

    def close(self) -> None:
        """Close the connections, if this object opened them; a later call opens new ones."""
        self._close()


class AsyncDoor(Awaited, Door):
    """A door whose methods are awaited."""

    async def __aenter__(self) -> Self:
        await self._call(lambda: self._kept)  # so that a store that cannot be used is told of here
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, if this object opened them; a later call opens new ones."""
        await self._call(self._close)
