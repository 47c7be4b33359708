"""The states of sessions in a database, as programs use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from questline_persistence.memory.kept import MAX_PAGE
from questline_persistence.memory.models import Listed, SessionState
from questline_persistence.memory.sessions.db_manager import DbManager
from questline_persistence.memory.sessions.session_states import SessionStates


class DbStateManager(DbManager):
    """Keeps the states of sessions in a database, all of their versions: `StateManagerProtocol`, for production.

    Any number of programs, threads and tasks may use one store at once. Nothing connects before the first call.

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

    Example:
      states = DbStateManager("app.db")
      await states.save_state("s1", {"mission": "Tidy up", "status": "pending"})
      await states.close()
    """

    async def save_state(
        self, session_id: str, state_data: Mapping[str, Any], *, expected_version: int | None = None
    ) -> int:
        """Save the state of a session and return its version, as `StateManagerProtocol.save_state` does.

        The session's row tells of its `mission`, `status` and `user_id`, too, where the state has them as text.

        Raises:
          Conflict: the session is at another version; `current` is its `SessionState`, None where it has none.
          PayloadError: the key is none, or the state is no JSON object or too large.
        """
        return await self._call(
            lambda: self._states.save_state(session_id, state_data, expected_version=expected_version)
        )

    async def load_state(self, session_id: str) -> dict[str, Any] | None:
        """Return what was saved of a session last, as `StateManagerProtocol.load_state` does."""
        return await self._call(lambda: self._states.load_state(session_id))

    async def load_with_version(self, session_id: str) -> SessionState | None:
        """Return what was saved last with its version, as `StateManagerProtocol.load_with_version` does."""
        return await self._call(lambda: self._states.load_with_version(session_id))

    async def delete_state(self, session_id: str) -> None:
        """Delete a session for good, as `StateManagerProtocol.delete_state` does, with its history and events.

        Raises:
          NotFound: it has neither a state nor a history.
        """
        await self._call(lambda: self._states.delete_state(session_id))

    async def list_sessions(self, *, limit: int = MAX_PAGE, cursor: str | None = None) -> Listed[str]:
        """Return the ids of the sessions that have a state, a page at a time, those first that were saved first.

        Parameters:
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._call(lambda: self._states.list_sessions(limit=limit, cursor=cursor))

    @property
    def _states(self) -> SessionStates:
        return SessionStates(self._kept)
