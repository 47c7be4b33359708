"""The state store of agents, as programs use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from questline_persistence.arguments import whole
from questline_persistence.dialects import PoolLimits
from questline_persistence.errors import PayloadError
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import Migration
from questline_persistence.memory.states.doors import (
    AgentMethods,
    EventMethods,
    HistoryMethods,
    SessionMethods,
    TaskMethods,
)
from questline_persistence.memory.states.operation import Operation
from questline_persistence.memory.states.states import States
from questline_persistence.store import Database


class StateStore(AgentMethods, HistoryMethods, EventMethods, TaskMethods, SessionMethods):
    """What agents keep beside their quests: states with versions, history and snapshots; events, tasks, sessions.

    Any number of programs, threads and tasks may use one store at once. Nothing connects before the first call.

    Parameters:
      url: a path of an SQLite file, ":memory:", a URL of SQLite or PostgreSQL, or an open `Database`; None means the
        one that the settings name.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps keys apart within the tenant; keys of another prefix, or of none, are never seen.
      max_connections: how many connections a program has at most: so many to save, and so many to read.
      min_connections: how many of them a program counts on; they are opened as they are needed, and then kept.
      acquire_timeout: longest wait for a connection, in seconds.
      on_operation: is told of each call when it has ended, on the thread that has carried it out; for metrics.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
      PayloadError: a value is none.

    Example:
      async with StateStore("agents.db", key_prefix="acme") as store:
          await store.save_agent_state(AgentState(agent_id="planner", state_data='{"goal": "ship"}'))
          state = await store.load_agent_state("planner")
    """

    def __init__(
        self,
        url: str | Path | Database | Kept | None = None,
        *,
        namespace: str | None = None,
        key_prefix: str | None = None,
        max_connections: int = 10,
        min_connections: int = 1,
        acquire_timeout: float = 30,
        on_operation: Callable[[Operation], object] | None = None,
    ) -> None:
        if whole(min_connections, "min_connections", least=1) > whole(max_connections, "max_connections", least=1):
            message = f"min_connections is {min_connections}, more than max_connections, which is {max_connections}"
            raise PayloadError(message)
        pool = PoolLimits(size=max_connections, overflow=0, timeout=acquire_timeout)
        super().__init__(url, namespace=namespace, key_prefix=key_prefix, pool=pool)
        self._on_operation = on_operation

    async def initialize(self) -> None:
        """Open the store, and make or check its schema; every other method does so, too, at first use.

        Raises:
          ConfigurationError: the schema is older than this version of questline, and is not migrated by itself.
          StoreUnavailable: the database cannot be reached.
        """
        await self._call(lambda: self._kept)

    async def migrations(self) -> list[Migration]:
        """Return the changes of the schema that were applied, in their order.

        Returns:
          Each with its name and when it was applied; one that was taken back says when.
        """
        return await self._do(States.migrations)
