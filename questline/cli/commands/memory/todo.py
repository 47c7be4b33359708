"""`questline todo`: what is to be done in sessions, point by point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import times
from questline.cli.command import command, new_app
from questline.cli.commands.memory import parameters
from questline.cli.commands.memory.naming import gone, name_meant
from questline.cli.commands.memory.telling import by, options_of, tell_found, tell_page, tell_versions
from questline.cli.display import formatting, visible
from questline.cli.invocation import Invocation
from questline_persistence.kinds import TODO_LISTS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.models import TodoList

_EMPTY = (
    "No to-do list has been saved yet. A Lord saves one with ctx.todos, a program with DbTodoListManager. Those of a "
    "key prefix: add --prefix NAME"
)
_List = Annotated[
    str,
    typer.Argument(
        help="The list's id (of a quest's own: QUEST/NAME), its beginning or its end, or @last.",
        metavar="LIST",
        show_default=False,
    ),
]


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Look at the to-do lists of sessions.")
    command(group, "list", example="questline todo list --session s1")(list_todos)
    command(group, "show", example="questline todo show @last")(show)
    command(group, "search", example="questline todo search 'readme -draft'")(search)
    command(group, "versions", example="questline todo versions plan-1")(versions)
    app.add_typer(group, name="todo", rich_help_panel=panel)


def list_todos(
    invocation: Invocation,
    *,
    session: parameters.Session = None,
    status: Annotated[
        str | None, typer.Option("--status", "-s", help="Only of this status.", metavar="STATUS", show_default=False)
    ] = None,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List to-do lists; the one that was begun last comes first."""
    from questline_persistence.memory.looking import newest  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_persistence.memory.sessions import todo_list_of  # noqa: PLC0415

    wanted = {"session_id": session, "status": status}
    found = newest(invocation.kept(prefix), TODO_LISTS, todo_list_of, limit=limit, cursor=cursor, **wanted)
    given = options_of(session=session, status=status, prefix=prefix)
    tell_page(
        invocation,
        [todo.to_json() for todo in found],
        lambda: _table(found, invocation.now()),
        found.next_cursor,
        words=["todo", "list", *given],
        limit=limit,
        empty="No to-do list matches." if given or cursor else _EMPTY,
    )


def show(invocation: Invocation, todolist_id: _List, *, prefix: parameters.Prefix = None) -> None:
    """Show one to-do list, point by point."""
    from questline_persistence.memory.sessions import TodoLists  # noqa: PLC0415  (200 ms that --help does not need)

    name = name_meant(invocation, "todo", todolist_id, prefix)
    found = TodoLists(invocation.kept(prefix)).load_todolist(name)
    if found is None:
        raise gone("todo", name, prefix)
    invocation.answer(found.to_json(), lambda: _draw(found, invocation.now()))


def search(
    invocation: Invocation,
    query: parameters.Query,
    *,
    limit: parameters.Limit = parameters.PAGE,
    prefix: parameters.Prefix = None,
) -> None:
    """Search the to-do lists, as they are now, for words; the best come first."""
    from questline_persistence.memory.looking import with_words  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_persistence.memory.sessions import todo_list_of  # noqa: PLC0415

    found = with_words(invocation.kept(prefix), TODO_LISTS, todo_list_of, " ".join(query), limit=limit)
    items = [todo.to_json() for todo in found]
    tell_found(invocation, items, lambda: _table(found, invocation.now()), newest_only=found.newest_only)


def versions(
    invocation: Invocation,
    todolist_id: _List,
    *,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List the versions of a to-do list, newest first, and by which step each was written."""
    name = name_meant(invocation, "todo", todolist_id, prefix)
    tell_versions(invocation, "todo", name, limit=limit, cursor=cursor, prefix=prefix)


def _table(found: Sequence[TodoList], now: float) -> RenderableType:
    rows = [
        [
            todo.todolist_id,
            todo.session_id,
            formatting.word(todo.status),
            len(todo.plan),
            f"v{todo.version}",
            times.since(todo.updated_at, now),
            by(todo.origin),
        ]
        for todo in found
    ]
    return formatting.table(
        *("ID", "Session", "Status", "Points", "Version", "Saved", "By"),
        rows=rows,
        numbers=("Points", "Version"),
        spare=("By", "Session", "Saved", "Points"),
    )


def _draw(todo: TodoList, now: float) -> RenderableType:
    """Return a to-do list as text."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    title = formatting.title("To-do list", todo.todolist_id)
    plan = formatting.structure(todo.plan, "#", "What") if todo.plan else "Nothing is to be done."
    return Group(title, "", formatting.facts(_facts(todo, now)), "", plan)


def _facts(todo: TodoList, now: float) -> Iterator[tuple[str, RenderableType]]:
    yield "Session", visible(todo.session_id)
    yield "Status", formatting.word(todo.status)
    yield "Version", f"v{todo.version}"
    yield "Saved", times.told(todo.updated_at, now)
    yield "By", by(todo.origin)
