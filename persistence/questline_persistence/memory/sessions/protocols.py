"""What every manager of sessions can do, whether it keeps them in a database or in plain files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from questline_persistence.memory.models import SessionState, TodoList


class StateManagerProtocol(Protocol):
    """Keeps the states of sessions: each save is a version, counted from 1 without a gap."""

    async def save_state(
        self, session_id: str, state_data: Mapping[str, Any], *, expected_version: int | None = None
    ) -> int:
        """Save the state of a session, which need not have had one.

        Parameters:
          session_id: the session: any text of 1 to 255 characters.
          state_data: a JSON object. A `version` in it is data like any other.
          expected_version: the version that was loaded, 0 for a session that was never saved; None saves in any case.

        Returns:
          the version that this save has made.

        Raises:
          Conflict: the session is at another version; `current` is its `SessionState`, None where it has none.
          PayloadError: the key is none, or the state is no JSON object or too large.
        """
        ...

    async def load_state(self, session_id: str) -> dict[str, Any] | None:
        """Return what was saved of a session last; None where there is nothing.

        Parameters:
          session_id: the session.

        Raises:
          PayloadError: the key is none.
        """
        ...

    async def load_with_version(self, session_id: str) -> SessionState | None:
        """Return what was saved of a session last and which version that is, both of one moment.

        Parameters:
          session_id: the session.

        Raises:
          PayloadError: the key is none.
        """
        ...

    async def delete_state(self, session_id: str) -> None:
        """Delete a session's state and its to-do lists for good; a later save goes on counting.

        Parameters:
          session_id: the session.

        Raises:
          NotFound: it has no state.
          PayloadError: the key is none.
        """
        ...

    async def list_sessions(self) -> Sequence[str]:
        """Return the ids of the sessions that have a state, those first that were saved first."""
        ...


class TodoListManagerProtocol(Protocol):
    """Keeps the to-do lists of sessions: each save is a version, counted from 1 without a gap."""

    async def save_todolist(
        self,
        todolist_id: str,
        session_id: str,
        plan: dict[str, Any] | list[Any],
        status: str = "pending",
        *,
        expected_version: int | None = None,
    ) -> int:
        """Save a to-do list.

        Parameters:
          todolist_id: its key: any text of 1 to 255 characters.
          session_id: the session that it is of, which need not have a state.
          plan: the points, a JSON object or a list.
          status: how far it is, in your own words.
          expected_version: the version that was loaded, 0 for a list that was never saved; None saves in any case.

        Returns:
          the version that this save has made.

        Raises:
          Conflict: the list is at another version; `current` is its `TodoList`, None where it was deleted.
          PayloadError: a key is none, or the plan is not JSON or too large.
        """
        ...

    async def load_todolist(self, todolist_id: str) -> TodoList | None:
        """Return a to-do list as it was saved last; None where there is none.

        Parameters:
          todolist_id: its key.

        Raises:
          PayloadError: the key is none.
        """
        ...

    async def delete_todolist(self, todolist_id: str) -> None:
        """Delete a to-do list; a later save goes on counting.

        Parameters:
          todolist_id: its key.

        Raises:
          NotFound: there is none.
          PayloadError: the key is none.
        """
        ...

    async def list_todolists(self, session_id: str) -> Sequence[TodoList]:
        """Return the to-do lists of a session, those first that were saved first.

        Parameters:
          session_id: the session.

        Raises:
          PayloadError: the key is none.
        """
        ...
