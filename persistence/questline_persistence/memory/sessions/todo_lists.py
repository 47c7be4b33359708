"""The to-do lists of sessions in a database, version by version."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select

from questline_persistence.arguments import key
from questline_persistence.errors import NotFound
from questline_persistence.kinds import TODO_LISTS
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE, Kept
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import Listed, TodoList, origin_of
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import conflict, version_of
from questline_persistence.payload import decode, encode
from questline_persistence.schema import tables_of
from questline_persistence.writes import Op, Saves

_HEADS = tables_of(TODO_LISTS).heads


class TodoLists:
    """The to-do lists of sessions: each save is a version.

    Parameters:
      kept: where they are kept.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def save_todolist(
        self,
        todolist_id: str,
        session_id: str,
        plan: dict[str, Any] | list[Any],
        status: str = "pending",
        *,
        expected_version: int | None = None,
    ) -> int:
        """Save the next version of a to-do list, and return its number."""
        made = TodoList(todolist_id=todolist_id, session_id=session_id, plan=plan, status=status)
        name, wanted = made.todolist_id, version_of(expected_version)
        with trying("save to-do list", name):
            text = encode(made.plan, what="the plan", root="plan", limit=self._kept.database.limits.memory)
            columns = {"session_id": made.session_id, "status": made.status}
            body = {"plan_json": text}
            write = Saves(TODO_LISTS, self._kept.key(name), columns=columns, body=body, expected=wanted)
            saved = self._kept.save(write)
            if saved is None:
                raise conflict(wanted, self._load(name))
            return saved.version

    def load_todolist(self, todolist_id: str) -> TodoList | None:
        """Return a to-do list as it was saved last; None where there is none."""
        name = key(todolist_id, "todolist_id")
        with trying("load to-do list", name):
            return self._load(name)

    def delete_todolist(self, todolist_id: str) -> None:
        """Delete a to-do list, as a version."""
        name = key(todolist_id, "todolist_id")
        with trying("delete to-do list", name):
            if self._kept.save(Saves(TODO_LISTS, self._kept.key(name), Op.DELETE)) is None:
                raise NotFound("there is none")

    def list_todolists(self, session_id: str, *, limit: int = PAGE, cursor: str | None = None) -> Listed[TodoList]:
        """Return the to-do lists of a session, a page at a time, those first that were saved first."""
        name = key(session_id, "session_id")
        own = (*self._kept.rows(_HEADS), _HEADS.c.session_id == name)

        def query(now: float) -> Select[Any]:
            return reading.of_present(TODO_LISTS).where(*own, *reading.present(_HEADS, now))

        with trying("list the to-do lists of session", name):
            page = self._kept.page(
                query,
                (_HEADS.c.created_at, _HEADS.c.id),
                of=(TODO_LISTS.name, name),
                limit=limit,
                cursor=cursor,
                newest_first=False,
                listing=Listing(TODO_LISTS, lambda row: row.session_id == name),
            )
            return Listed(map(todo_list_of, page.rows), page.next_cursor)

    def _load(self, name: str) -> TodoList | None:
        row = self._kept.load(TODO_LISTS, name)
        return None if row is None else todo_list_of(row)


def todo_list_of(row: Row[Any]) -> TodoList:
    """Return the to-do list of a row: a head with its present version."""
    return TodoList(
        todolist_id=row.todolist_id,
        session_id=row.session_id,
        plan=decode(row.plan_json),
        status=row.status,
        version=row.version,
        origin=origin_of(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
