"""`questline context`: what workflows know on their way, version by version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from questline.cli import times
from questline.cli.command import command, new_app
from questline.cli.commands.memory import parameters
from questline.cli.commands.memory.naming import gone, name_meant
from questline.cli.commands.memory.telling import by, options_of, tell_found, tell_page, tell_versions
from questline.cli.display import formatting, visible
from questline.cli.invocation import Invocation
from questline_persistence.clock import rfc3339
from questline_persistence.errors import NotFound

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.contexts import Contexts
    from questline_persistence.memory.models import WorkflowContext

_EMPTY = (
    "No workflow has a context yet. A Lord saves one with ctx.context, a program with ContextPersistence. Those of a "
    "key prefix: add --prefix NAME"
)
_Workflow = Annotated[
    str,
    typer.Argument(
        help="The workflow's id (of a quest's own: the quest's id), its beginning or its end, or @last.",
        metavar="WORKFLOW",
        show_default=False,
    ),
]


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Look at the contexts of workflows, which Lords and programs save version by version.")
    command(group, "list", example="questline context list --epic 12 --status running")(list_contexts)
    command(group, "show", example="questline context show @last\nquestline context show 0193a8 --version 2")(show)
    command(group, "search", example="questline context search 'login -draft'")(search)
    command(group, "versions", example="questline context versions 0193a8 -o json")(versions)
    app.add_typer(group, name="context", rich_help_panel=panel)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which contexts a command line means; one option per field."""

    epic: Annotated[int | None, typer.Option(help="Only this epic.", metavar="NUMBER", show_default=False)] = None
    story: Annotated[int | None, typer.Option(help="Only this story.", metavar="NUMBER", show_default=False)] = None
    feature: Annotated[str | None, typer.Option(help="Only this feature.", metavar="NAME", show_default=False)] = None
    workflow: Annotated[
        str | None, typer.Option(help="Only workflows of this name.", metavar="NAME", show_default=False)
    ] = None
    phase: Annotated[str | None, typer.Option(help="Only those in this phase.", metavar="NAME", show_default=False)] = (
        None
    )
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            "-s",
            help="Only this status: running, completed, failed or paused; repeat for several.",
            metavar="STATUS",
            show_default=False,
        ),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            help="Only workflows begun since then: a time (ISO 8601) or an age such as 2h or 30d.",
            metavar="WHEN",
            show_default=False,
        ),
    ] = None
    until: Annotated[
        str | None, typer.Option(help="Only workflows begun before then.", metavar="WHEN", show_default=False)
    ] = None

    def read(self, invocation: Invocation) -> dict[str, Any]:
        """Return what was given, by the options' names; an age has become a time, which does not pass."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("since", "until"):
            if given[name] is not None:
                given[name] = rfc3339(times.read_moment(given[name], invocation.now()))
        return {name: value for name, value in given.items() if value is not None}


#: What filters are called that have another name as an option.
_FILTERS = {"workflow": "workflow_name", "phase": "current_phase"}


def list_contexts(
    invocation: Invocation,
    *,
    wanted: _Wanted,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List the contexts of workflows as they are now; the workflow that was begun last comes first."""
    chosen = wanted.read(invocation)
    filters = {_FILTERS.get(name, name): value for name, value in chosen.items()}
    found = _contexts(invocation, prefix).search_contexts(filters, limit, cursor)
    tell_page(
        invocation,
        [context.to_data() for context in found],
        lambda: _table(found, invocation.now()),
        found.next_cursor,
        words=["context", "list", *options_of(**chosen, prefix=prefix)],
        limit=limit,
        empty="No context matches." if chosen or cursor else _EMPTY,
    )


def show(
    invocation: Invocation,
    workflow_id: _Workflow,
    *,
    version: parameters.Version = None,
    prefix: parameters.Prefix = None,
) -> None:
    """Show the context of a workflow: its phase, its decisions, and what it has made.

    The JSON form is the whole context; the text form shortens what is long.
    """
    contexts, name = _contexts(invocation, prefix), name_meant(invocation, "context", workflow_id, prefix)
    try:
        found = contexts.load_context(name) if version is None else contexts.get_context_by_version(name, version)
    except NotFound:
        found = None
    if found is None:
        raise gone("context", name, prefix, version=version)
    invocation.answer(found.to_data(), lambda: _draw(found, invocation.now()))


def search(
    invocation: Invocation,
    query: parameters.Query,
    *,
    limit: parameters.Limit = parameters.PAGE,
    prefix: parameters.Prefix = None,
) -> None:
    """Search the contexts of workflows, as they are now, for words; the best come first."""
    found = _contexts(invocation, prefix).find_contexts(" ".join(query), limit)
    items = [context.to_data() for context in found]
    tell_found(invocation, items, lambda: _table(found, invocation.now()), newest_only=found.newest_only)


def versions(
    invocation: Invocation,
    workflow_id: _Workflow,
    *,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List the versions of a workflow's context, newest first, and by which step each was written."""
    name = name_meant(invocation, "context", workflow_id, prefix)
    tell_versions(invocation, "context", name, limit=limit, cursor=cursor, prefix=prefix)


def _contexts(invocation: Invocation, prefix: str | None) -> Contexts:
    from questline_persistence.memory.contexts import Contexts  # noqa: PLC0415  (200 ms that --help does not need)

    return Contexts(invocation.kept(prefix))


def _table(found: Sequence[WorkflowContext], now: float) -> RenderableType:
    return formatting.table(
        *("ID", "Workflow", "Feature", "Story", "Phase", "Status", "Version", "Saved", "By"),
        rows=[_row(context, now) for context in found],
        numbers=("Version",),
        spare=("Feature", "By", "Workflow", "Saved", "Story"),
    )


def _row(context: WorkflowContext, now: float) -> list[object]:
    return [
        context.workflow_id,
        context.workflow_name,
        context.feature,
        _story(context),
        context.current_phase,
        formatting.word(context.status),
        f"v{context.version}",
        times.since(context.saved_at, now),
        by(context.origin),
    ]


def _story(context: WorkflowContext) -> str:
    """Return which epic a context is about, and which story of that."""
    return str(context.epic_num) if context.story_num is None else f"{context.epic_num}.{context.story_num}"


def _draw(context: WorkflowContext, now: float) -> RenderableType:
    """Return a context as text."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    title = formatting.title("Workflow", context.workflow_id, context.workflow_name)
    parts: list[RenderableType] = [title, "", formatting.facts(_facts(context, now))]
    if context.phase_history:
        parts += ["", formatting.structure(context.phase_history, "#", "Phase")]
    if context.decisions:
        parts += ["", formatting.structure(context.decisions, "Decision", "")]
    if context.artifacts:
        parts += ["", formatting.structure(context.artifacts, "#", "Artifact")]
    return Group(*parts)


def _facts(context: WorkflowContext, now: float) -> Iterator[tuple[str, RenderableType]]:
    yield "Status", formatting.word(context.status)
    yield "Phase", visible(context.current_phase)
    yield "Feature", visible(context.feature)
    yield "Epic" if context.story_num is None else "Story", _story(context)
    yield "Version", f"v{context.version}"
    yield "Saved", times.told(context.saved_at, now)
    yield "By", by(context.origin)
    if context.metadata:
        yield "Metadata", formatting.short(context.metadata)
