"""The to-do lists of sessions in plain files."""

from __future__ import annotations

from typing import Any

from questline_persistence.arguments import key
from questline_persistence.memory.files.documents import Document
from questline_persistence.memory.files.file_manager import FileManager
from questline_persistence.memory.models import TodoList
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import version_of
from questline_persistence.payload import encode


class FileTodoListManager(FileManager):
    """Keeps each to-do list in a JSON file of its own: `TodoListManagerProtocol`, for development.

    It shares a folder with a `FileStateManager`, and is as safe.

    Parameters:
      folder: where the files are; it is made with the first one.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps keys apart within the tenant; keys of another prefix, or of none, are never seen.

    Raises:
      ConfigurationError: a setting is wrong.
      PayloadError: the folder is no path, or the namespace or the key prefix no text.

    Example:
      todos = FileTodoListManager("./memory")
      await todos.save_todolist("plan-1", "s1", [{"id": 1, "text": "Read the README"}])
    """

    async def save_todolist(
        self,
        todolist_id: str,
        session_id: str,
        plan: dict[str, Any] | list[Any],
        status: str = "pending",
        *,
        expected_version: int | None = None,
    ) -> int:
        """Save a to-do list and return its version, as `TodoListManagerProtocol.save_todolist` does.

        Raises:
          Conflict: the list is at another version; `current` is its `TodoList`, None where it was deleted.
          PayloadError: a key is none, or the plan is not JSON or too large.
          NotAllowed: the file system does not let this user write there.
          StoreUnavailable: it is full, broken, or locked by others for too long.
        """
        made = TodoList(todolist_id=todolist_id, session_id=session_id, plan=plan, status=status)
        name, wanted = made.todolist_id, version_of(expected_version)
        with trying("save to-do list", name):
            encode(made.plan, what="the plan", root="plan", limit=self._limit)
            body = {"session_id": made.session_id, "status": made.status, "plan": made.plan}
            return await self._call(self._todo_lists.save, name, body, wanted, shown=_todo_list)

    async def load_todolist(self, todolist_id: str) -> TodoList | None:
        """Return a to-do list as it was saved last, as `TodoListManagerProtocol.load_todolist` does."""
        name = key(todolist_id, "todolist_id")
        with trying("load to-do list", name):
            found = await self._call(self._todo_lists.load, name)
            return _todo_list(found) if found and found.body is not None else None

    async def delete_todolist(self, todolist_id: str) -> None:
        """Delete a to-do list, as `TodoListManagerProtocol.delete_todolist` does.

        Raises:
          NotFound: there is none.
        """
        name = key(todolist_id, "todolist_id")
        with trying("delete to-do list", name):
            await self._call(self._delete, name)

    async def list_todolists(self, session_id: str) -> list[TodoList]:
        """Return the to-do lists of a session, as `TodoListManagerProtocol.list_todolists` does."""
        name = key(session_id, "session_id")
        with trying("list the to-do lists of session", name):
            found = await self._call(self._todo_lists.all)
            return [made for made in map(_todo_list, found) if made.session_id == name]

    def _delete(self, name: str) -> None:
        with self._todo_lists.changing():
            self._todo_lists.delete(name)


def _todo_list(one: Document) -> TodoList:
    """Return what a file holds as users are given it."""
    return TodoList(
        todolist_id=one.key.name,
        version=one.version,
        created_at=one.created_at,
        updated_at=one.updated_at,
        **(one.body or {}),
    )
