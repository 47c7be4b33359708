"""What is to be done in sessions, point by point."""

from __future__ import annotations

from fastapi import APIRouter, Request

from questline_gateway.answers import Answer
from questline_gateway.api.memory.answering import (
    ROOT,
    Name,
    Prefix,
    Text,
    Words,
    list_of_versions,
    listed,
    matched,
    name_meant,
    there,
)
from questline_gateway.api.pages import PAGE, Cursor, Limit
from questline_gateway.api.shapes import answers, finds, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, needs
from questline_persistence.kinds import TODO_LISTS
from questline_persistence.memory.looking import newest, with_words
from questline_persistence.memory.sessions import TodoLists, todo_list_of

router = APIRouter(prefix=f"{ROOT}/todos", tags=["memory"], dependencies=[needs(Scope.READ, payloads=True)])


@router.get("", responses=lists("TodoList", "A page of to-do lists."))
def list_todos(
    request: Request,
    here: Here,
    *,
    session: Text = None,
    status: Text = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    prefix: Prefix = None,
) -> Answer:
    """List to-do lists; the one that was begun last comes first."""
    wanted = {"session_id": session, "status": status}
    return listed(request, newest(here.kept(prefix), TODO_LISTS, todo_list_of, limit=limit, cursor=cursor, **wanted))


@router.get("/search", responses=finds("TodoList"))
def search_todos(here: Here, q: Words, *, limit: Limit = PAGE, prefix: Prefix = None) -> Answer:
    """Search the to-do lists, as they are now, for words; the best come first."""
    return matched(with_words(here.kept(prefix), TODO_LISTS, todo_list_of, q, limit=limit))


@router.get("/{todolist_id:path}/versions", responses=lists("Version", "A page of versions."))
def list_versions_of_todos(
    request: Request,
    here: Here,
    todolist_id: Name,
    *,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    prefix: Prefix = None,
) -> Answer:
    """List the versions of a to-do list, newest first, and by which step each was written."""
    kept = here.kept(prefix)
    name = name_meant(kept, TODO_LISTS, "todos", todolist_id)
    return list_of_versions(request, kept, TODO_LISTS, name, limit=limit, cursor=cursor)


@router.get("/{todolist_id:path}", responses=answers("TodoList", "The list."))
def show_todos(here: Here, todolist_id: Name, *, prefix: Prefix = None) -> Answer:
    """Show one to-do list, point by point."""
    kept = here.kept(prefix)
    name = name_meant(kept, TODO_LISTS, "todos", todolist_id)
    return there(TodoLists(kept).load_todolist(name), name)
