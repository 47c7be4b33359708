"""`questline event`: what users, agents and the system did in sessions."""

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
from questline_persistence.kinds import EVENTS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.models import Event

_EMPTY = (
    "No event has been saved yet. A Lord saves one with ctx.events, a program with StateStore. Those of a key prefix: "
    "add --prefix NAME"
)


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Look at events: what users, agents and the system did in sessions.")
    command(group, "list", example="questline event list --session s1\nquestline event list --type tool_call -l 20")(
        list_events
    )
    command(group, "show", example="questline event show @last")(show)
    command(group, "search", example="questline event search '\"read file\" -draft' --session s1")(search)
    app.add_typer(group, name="event", rich_help_panel=panel)


def list_events(
    invocation: Invocation,
    *,
    session: parameters.Session = None,
    event_type: Annotated[
        str | None, typer.Option("--type", help="Only of this type.", metavar="TYPE", show_default=False)
    ] = None,
    commit: Annotated[
        str | None, typer.Option("--commit", help="Only about this git commit.", metavar="HASH", show_default=False)
    ] = None,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List events, newest first."""
    from questline_persistence.memory.looking import newest  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_persistence.memory.states import event_of  # noqa: PLC0415

    wanted = {"session_id": session, "event_type": event_type, "git_commit": commit}
    found = newest(invocation.kept(prefix), EVENTS, event_of, limit=limit, cursor=cursor, **wanted)
    given = options_of(session=session, type=event_type, commit=commit, prefix=prefix)
    tell_page(
        invocation,
        [event.to_json() for event in found],
        lambda: _table(found, invocation.now()),
        found.next_cursor,
        words=["event", "list", *given],
        limit=limit,
        empty="No event matches." if given or cursor else _EMPTY,
    )


def show(
    invocation: Invocation,
    event_id: Annotated[
        str,
        typer.Argument(help="The event's id, its beginning or its end, or @last.", metavar="ID", show_default=False),
    ],
    *,
    prefix: parameters.Prefix = None,
) -> None:
    """Show one event."""
    from questline_persistence.memory.looking import entry  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_persistence.memory.states import event_of  # noqa: PLC0415

    name = name_meant(invocation, "event", event_id, prefix)
    found = entry(invocation.kept(prefix), EVENTS, event_of, name)
    if found is None:
        raise NotFound(f"there is no event {name}", hint=f"run: {command_for('event', 'list', prefix=prefix)}")
    invocation.answer(found.to_json(), lambda: _draw(found, invocation.now()))


def search(
    invocation: Invocation,
    query: parameters.Query,
    *,
    session: parameters.Session = None,
    limit: parameters.Limit = parameters.PAGE,
    prefix: parameters.Prefix = None,
) -> None:
    """Search the events for words; the best come first."""
    from questline_persistence.memory.states import States  # noqa: PLC0415  (200 ms that --help does not need)

    found = States(invocation.kept(prefix)).search_events(" ".join(query), session_id=session, limit=limit)
    items = [event.to_json() for event in found]
    tell_found(invocation, items, lambda: _table(found, invocation.now()), newest_only=found.newest_only)


def _table(found: Sequence[Event], now: float) -> RenderableType:
    rows = [
        [
            event.event_id,
            f"{event.session_id} #{event.seq}",
            event.event_type,
            _actor(event),
            formatting.cut(event.content),
            times.since(event.created_at, now),
            by(event.origin),
        ]
        for event in found
    ]
    return formatting.table(
        *("ID", "Session", "Type", "Who", "What", "Saved", "By"), rows=rows, spare=("By", "Session", "Saved", "Type")
    )


def _actor(event: Event) -> str:
    return str(event.actor_type) if event.actor_id is None else f"{event.actor_type} {event.actor_id}"


def _draw(event: Event, now: float) -> RenderableType:
    """Return an event as text."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    title = formatting.title("Event", event.event_id, event.event_type)
    return Group(title, "", formatting.facts(_facts(event, now)), "", printable(event.content))


def _facts(event: Event, now: float) -> Iterator[tuple[str, RenderableType]]:
    yield "Session", f"{visible(event.session_id)} #{event.seq}"
    yield "Who", visible(_actor(event))
    if event.git_commit is not None:
        yield "Commit", visible(event.git_commit)
    yield "Saved", times.told(event.created_at, now)
    yield "By", by(event.origin)
    if event.metadata:
        yield "Metadata", formatting.short(event.metadata)
