"""The states of sessions in plain files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from questline_persistence.arguments import key, mapping
from questline_persistence.memory.files.documents import Document
from questline_persistence.memory.files.file_manager import FileManager
from questline_persistence.memory.models import STATE_HINT, SessionState
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import version_of
from questline_persistence.payload import encode


class FileStateManager(FileManager):
    """Keeps the newest state of each session in a JSON file of its own: `StateManagerProtocol`, for development.

    Any number of threads and processes of one machine may use one folder at once, and a crash leaves each file as it
    was before a save or after it. A `FileTodoListManager` of the same folder keeps the sessions' to-do lists.

    Parameters:
      folder: where the files are; it is made with the first one.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps keys apart within the tenant; keys of another prefix, or of none, are never seen.

    Raises:
      ConfigurationError: a setting is wrong.
      PayloadError: the folder is no path, or the namespace or the key prefix no text.

    Example:
      states = FileStateManager("./memory")
      await states.save_state("s1", {"mission": "Tidy up", "status": "pending"})
    """

    async def save_state(
        self, session_id: str, state_data: Mapping[str, Any], *, expected_version: int | None = None
    ) -> int:
        """Save the state of a session and return its version, as `StateManagerProtocol.save_state` does.

        Raises:
          Conflict: the session is at another version; `current` is its `SessionState`, None where it has none.
          PayloadError: the key is none, or the state is no JSON object or too large.
          NotAllowed: the file system does not let this user write there.
          StoreUnavailable: it is full, broken, or locked by others for too long.
        """
        name, wanted = key(session_id, "session_id"), version_of(expected_version)
        with trying("save the state of session", name):
            state = dict(mapping(state_data, "state_data", STATE_HINT))
            encode(state, what="state_data", limit=self._limit)
            return await self._call(self._states.save, name, {"state_data": state}, wanted, shown=_state)

    async def load_state(self, session_id: str) -> dict[str, Any] | None:
        """Return what was saved of a session last, as `StateManagerProtocol.load_state` does."""
        found = await self.load_with_version(session_id)
        return found.state_data if found else None

    async def load_with_version(self, session_id: str) -> SessionState | None:
        """Return what was saved last with its version, as `StateManagerProtocol.load_with_version` does."""
        name = key(session_id, "session_id")
        with trying("load the state of session", name):
            found = await self._call(self._states.load, name)
            return _state(found) if found and found.body is not None else None

    async def delete_state(self, session_id: str) -> None:
        """Delete a session's state and its to-do lists, as `StateManagerProtocol.delete_state` does.

        Raises:
          NotFound: it has no state.
        """
        name = key(session_id, "session_id")
        with trying("delete the state of session", name):
            await self._call(self._delete, name)

    async def list_sessions(self) -> list[str]:
        """Return the ids of the sessions that have a state, those first that were saved first."""
        with trying("list the sessions"):
            return [one.key.name for one in await self._call(self._states.all)]

    def _delete(self, name: str) -> None:
        with self._states.changing():
            self._states.delete(name)
            for one in self._todo_lists.all():
                if one.body is not None and one.body["session_id"] == name:
                    self._todo_lists.delete(one.key.name)


def _state(one: Document) -> SessionState:
    """Return what a file holds as users are given it."""
    body = one.body or {}
    return SessionState(
        session_id=one.key.name, state_data=body["state_data"], version=one.version, timestamp=one.updated_at
    )
