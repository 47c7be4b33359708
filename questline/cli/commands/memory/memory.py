"""`questline memory`: lessons that were learnt in one session, for those to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import times
from questline.cli.command import command, new_app
from questline.cli.commands.memory import parameters
from questline.cli.commands.memory.naming import command_for, name_meant
from questline.cli.commands.memory.telling import by, options_of, tell_found, tell_page
from questline.cli.display import formatting, printable, visible
from questline.cli.invocation import Invocation
from questline_persistence.errors import NotFound
from questline_persistence.kinds import MEMORIES

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.models import Memory

_EMPTY = (
    "No lesson has been remembered yet. A Lord remembers one with ctx.memory, a program with Memories. Those of a key "
    "prefix: add --prefix NAME"
)
_Tool = Annotated[
    str | None, typer.Option("--tool", help="Only lessons about this tool.", metavar="NAME", show_default=False)
]


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Look at lessons, which Lords and programs remember for later sessions.")
    command(group, "list", example="questline memory list --tool read_csv")(list_memories)
    command(group, "show", example="questline memory show @last")(show)
    command(group, "search", example="questline memory search csv 'delimit*' --min-confidence 50")(search)
    app.add_typer(group, name="memory", rich_help_panel=panel)


def list_memories(
    invocation: Invocation,
    *,
    tool: _Tool = None,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List lessons, newest first."""
    from questline_persistence.memory.looking import newest  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_persistence.memory.sessions import memory_of  # noqa: PLC0415

    found = newest(invocation.kept(prefix), MEMORIES, memory_of, limit=limit, cursor=cursor, tool_name=tool)
    given = options_of(tool=tool, prefix=prefix)
    tell_page(
        invocation,
        [memory.to_json() for memory in found],
        lambda: _table(found, invocation.now()),
        found.next_cursor,
        words=["memory", "list", *given],
        limit=limit,
        empty="No lesson matches." if given or cursor else _EMPTY,
    )


def show(
    invocation: Invocation,
    memory_id: Annotated[
        str,
        typer.Argument(help="The lesson's id, its beginning or its end, or @last.", metavar="ID", show_default=False),
    ],
    *,
    prefix: parameters.Prefix = None,
) -> None:
    """Show one lesson."""
    from questline_persistence.memory.looking import entry  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_persistence.memory.sessions import memory_of  # noqa: PLC0415

    name = name_meant(invocation, "memory", memory_id, prefix)
    found = entry(invocation.kept(prefix), MEMORIES, memory_of, name)
    if found is None:
        raise NotFound(f"there is no lesson {name}", hint=f"run: {command_for('memory', 'list', prefix=prefix)}")
    invocation.answer(found.to_json(), lambda: _draw(found, invocation.now()))


def search(
    invocation: Invocation,
    query: parameters.Query,
    *,
    tool: _Tool = None,
    min_confidence: Annotated[
        int, typer.Option(help="Only lessons at least as sure as this.", metavar="NUMBER", show_default=False)
    ] = 0,
    limit: parameters.Limit = parameters.PAGE,
    prefix: parameters.Prefix = None,
) -> None:
    """Search the lessons for words; the best come first."""
    from questline_persistence.memory.sessions import Lessons  # noqa: PLC0415  (200 ms that --help does not need)

    found = Lessons(invocation.kept(prefix)).recall(" ".join(query), tool, min_confidence, limit=limit)
    items = [memory.to_json() for memory in found]
    tell_found(invocation, items, lambda: _table(found, invocation.now()), newest_only=found.newest_only)


def _table(found: Sequence[Memory], now: float) -> RenderableType:
    rows = [
        [
            memory.memory_id,
            memory.tool_name or "-",
            memory.confidence,
            formatting.cut(memory.lesson),
            times.since(memory.created_at, now),
            by(memory.origin),
        ]
        for memory in found
    ]
    return formatting.table(
        *("ID", "Tool", "Confidence", "Lesson", "Saved", "By"),
        rows=rows,
        numbers=("Confidence",),
        spare=("By", "Saved", "Confidence"),
    )


def _draw(memory: Memory, now: float) -> RenderableType:
    """Return a lesson as text."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    title = formatting.title("Lesson", memory.memory_id)
    return Group(title, "", formatting.facts(_facts(memory, now)), "", printable(memory.lesson))


def _facts(memory: Memory, now: float) -> Iterator[tuple[str, RenderableType]]:
    yield "About", visible(memory.context)
    if memory.tool_name is not None:
        yield "Tool", visible(memory.tool_name)
    yield "Confidence", str(memory.confidence)
    yield "Saved", times.told(memory.created_at, now)
    yield "By", by(memory.origin)
