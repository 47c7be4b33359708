"""The to-do lists of sessions in a database, as programs use them."""

from __future__ import annotations

from typing import Any

from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import Listed, TodoList
from questline_persistence.memory.sessions.db_manager import DbManager
from questline_persistence.memory.sessions.todo_lists import TodoLists


class DbTodoListManager(DbManager):
    """Keeps the to-do lists of sessions in a database, all of their versions: `TodoListManagerProtocol`.

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
      todos = DbTodoListManager("app.db")
      await todos.save_todolist("plan-1", "s1", [{"id": 1, "text": "Read the README"}])
      await todos.close()
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
        """
        return await self._call(
            lambda: self._lists.save_todolist(todolist_id, session_id, plan, status, expected_version=expected_version)
        )

    async def load_todolist(self, todolist_id: str) -> TodoList | None:
        """Return a to-do list as it was saved last, as `TodoListManagerProtocol.load_todolist` does."""
        return await self._call(lambda: self._lists.load_todolist(todolist_id))

    async def delete_todolist(self, todolist_id: str) -> None:
        """Delete a to-do list, as `TodoListManagerProtocol.delete_todolist` does.

        Raises:
          NotFound: there is none.
        """
        await self._call(lambda: self._lists.delete_todolist(todolist_id))

    async def list_todolists(
        self, session_id: str, *, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[TodoList]:
        """Return the to-do lists of a session, a page at a time, those first that were saved first.

        Parameters:
          session_id: the session.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: the key is none, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._call(lambda: self._lists.list_todolists(session_id, limit=limit, cursor=cursor))

    @property
    def _lists(self) -> TodoLists:
        return TodoLists(self._kept)
