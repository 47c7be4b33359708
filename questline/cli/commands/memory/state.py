"""`questline state`: what agents are and know, version by version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import times
from questline.cli.command import command, new_app
from questline.cli.commands.memory import forks, parameters, restoring
from questline.cli.commands.memory.naming import gone, name_meant
from questline.cli.commands.memory.parameters import Agent
from questline.cli.commands.memory.telling import by, options_of, tell_found, tell_page, tell_versions
from questline.cli.display import formatting
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.models import AgentState, StateTransition
    from questline_persistence.memory.states import States

_EMPTY = (
    "No agent has a state yet. A Lord saves one with ctx.state, a program with StateStore. Those of a key prefix: add "
    "--prefix NAME"
)


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Look at the states of agents, and take them back.")
    command(group, "list", example="questline state list --status busy")(list_agents)
    command(group, "show", example="questline state show planner\nquestline state show planner --at 2h")(show)
    command(group, "search", example="questline state search 'readme -draft'")(search)
    command(group, "versions", example="questline state versions planner")(versions)
    command(group, "history", example="questline state history planner -o jsonl")(history)
    restoring.register(group)
    forks.register(group)
    app.add_typer(group, name="state", rich_help_panel=panel)


def list_agents(
    invocation: Invocation,
    *,
    status: Annotated[
        str | None, typer.Option("--status", "-s", help="Only of this status.", metavar="STATUS", show_default=False)
    ] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Show deleted agents, too.", show_default=False)] = False,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List the agents and their states as they are now; the agent that was made last comes first."""
    found = _states(invocation, prefix).list_agents(status, include_deleted=deleted, limit=limit, cursor=cursor)
    given = options_of(status=status, deleted=deleted, prefix=prefix)
    tell_page(
        invocation,
        [agent.to_json() for agent in found],
        lambda: _table(found, invocation.now()),
        found.next_cursor,
        words=["state", "list", *given],
        limit=limit,
        empty="No agent matches." if given or cursor else _EMPTY,
    )


def show(
    invocation: Invocation,
    agent_id: Agent,
    *,
    version: parameters.Version = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="Show what it was then: a time (ISO 8601) or an age such as 2h or 30d.",
            metavar="WHEN",
            show_default=False,
        ),
    ] = None,
    prefix: parameters.Prefix = None,
) -> None:
    """Show what an agent is and knows, now or at an earlier version.

    The JSON form is the whole state; the text form shortens what is long.
    """
    if version is not None and at is not None:
        raise UsageMistake("--version and --at both say which state", hint="leave one of them out")
    name = name_meant(invocation, "state", agent_id, prefix)
    moment = None if at is None else times.read_moment(at, invocation.now())
    found = _states(invocation, prefix).load_agent_state(name, version=version, as_of=moment)
    if found is None:
        raise gone("state", name, prefix, version=version, at=at)
    invocation.answer(found.to_json(), lambda: _draw(found, invocation.now()))


def search(
    invocation: Invocation,
    query: parameters.Query,
    *,
    limit: parameters.Limit = parameters.PAGE,
    prefix: parameters.Prefix = None,
) -> None:
    """Search the states of agents, as they are now, for words; the best come first."""
    found = _states(invocation, prefix).search_agents(" ".join(query), limit=limit)
    items = [agent.to_json() for agent in found]
    tell_found(invocation, items, lambda: _table(found, invocation.now()), newest_only=found.newest_only)


def versions(
    invocation: Invocation,
    agent_id: Agent,
    *,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List the versions of an agent's state, newest first, and by which step each was written."""
    name = name_meant(invocation, "state", agent_id, prefix)
    tell_versions(invocation, "state", name, limit=limit, cursor=cursor, prefix=prefix)


def history(
    invocation: Invocation,
    agent_id: Agent,
    *,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List the transitions of an agent from one state to another, newest first, and why it changed."""
    name = name_meant(invocation, "state", agent_id, prefix)
    found = _states(invocation, prefix).get_state_history(name, limit, cursor=cursor)
    tell_page(
        invocation,
        [change.to_json() for change in found],
        lambda: _changes(found, invocation.now()),
        found.next_cursor,
        words=["state", "history", name, *options_of(prefix=prefix)],
        limit=limit,
        empty="There are no more transitions." if cursor else f"No transition of {name} has been recorded.",
    )


def _states(invocation: Invocation, prefix: str | None) -> States:
    from questline_persistence.memory.states import States  # noqa: PLC0415  (200 ms that --help does not need)

    return States(invocation.kept(prefix))


def _table(found: Sequence[AgentState], now: float) -> RenderableType:
    rows = [
        [
            agent.agent_id,
            agent.name,
            formatting.word(agent.status if agent.deleted_at is None else "deleted"),
            f"v{agent.version}",
            times.since(agent.updated_at, now),
            by(agent.origin),
        ]
        for agent in found
    ]
    return formatting.table(
        *("ID", "Name", "Status", "Version", "Saved", "By"),
        rows=rows,
        numbers=("Version",),
        spare=("By", "Name", "Saved"),
    )


def _changes(found: Sequence[StateTransition], now: float) -> RenderableType:
    rows = [
        [
            change.seq,
            formatting.cut(change.state_before or "-"),
            formatting.cut(change.state_after),
            formatting.cut(change.reason or "-"),
            times.since(change.created_at, now),
            by(change.origin),
        ]
        for change in found
    ]
    return formatting.table(
        *("#", "From", "To", "Why", "When", "By"), rows=rows, numbers=("#",), spare=("By", "When", "#")
    )


def _draw(agent: AgentState, now: float) -> RenderableType:
    """Return the state of an agent as text."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    title = formatting.title("Agent", agent.agent_id, agent.name)
    parts: list[RenderableType] = [title, "", formatting.facts(_facts(agent, now))]
    if agent.state_data:
        parts += ["", formatting.data(agent.state_data)]
    return Group(*parts)


def _facts(agent: AgentState, now: float) -> Iterator[tuple[str, RenderableType]]:
    yield "Status", formatting.word(agent.status)
    yield "Version", f"v{agent.version}"
    yield "Saved", times.told(agent.updated_at, now)
    yield "By", by(agent.origin)
    if agent.deleted_at is not None:
        yield "Deleted", times.told(agent.deleted_at, now)
    if agent.metadata:
        yield "Metadata", formatting.short(agent.metadata)
