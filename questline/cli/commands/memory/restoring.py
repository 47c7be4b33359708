"""`questline state snapshots`, `restore` and `purge`: states that have a name, taken back, or removed for good."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options, times
from questline.cli.bulk import confirm
from questline.cli.command import command
from questline.cli.commands.memory import parameters
from questline.cli.commands.memory.naming import command_for, name_meant
from questline.cli.commands.memory.parameters import Agent
from questline.cli.commands.memory.telling import by, options_of, tell_page
from questline.cli.display import formatting, visible
from questline.cli.invocation import Invocation
from questline_persistence.errors import NotFound
from questline_persistence.kinds import SNAPSHOTS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.models import AgentState, StateSnapshot

_VERSION = re.compile(r"v(\d{1,9})")


def register(group: typer.Typer) -> None:
    """Add the commands to the group."""
    command(group, "snapshots", example="questline state snapshots planner")(snapshots)
    restore_example = "questline state restore planner v7\nquestline state restore planner 0193a8"
    command(group, "restore", example=restore_example)(restore)
    command(group, "purge", example="questline state purge planner -y")(purge)


def snapshots(
    invocation: Invocation,
    agent_id: Agent,
    *,
    limit: parameters.Limit = parameters.PAGE,
    cursor: parameters.Cursor = None,
    prefix: parameters.Prefix = None,
) -> None:
    """List the snapshots of an agent's state, newest first; one that has expired is no longer there."""
    from questline_persistence.memory.states import States  # noqa: PLC0415  (200 ms that --help does not need)

    name = name_meant(invocation, "state", agent_id, prefix)
    found = States(invocation.kept(prefix)).list_snapshots(name, limit=limit, cursor=cursor)
    tell_page(
        invocation,
        [snapshot.to_json() for snapshot in found],
        lambda: _table(found, invocation.now()),
        found.next_cursor,
        words=["state", "snapshots", name, *options_of(prefix=prefix)],
        limit=limit,
        empty="There are no more snapshots."
        if cursor
        else f"{name} has no snapshot. Every version can be restored, too: "
        + command_for("state", "versions", name, prefix=prefix),
    )


def restore(
    invocation: Invocation,
    agent_id: Agent,
    point: Annotated[
        str,
        typer.Argument(
            help="A version such as v7, or a snapshot: its id, its beginning or its end.",
            metavar="POINT",
            show_default=False,
        ),
    ],
    *,
    prefix: parameters.Prefix = None,
) -> None:
    """Make an earlier state of an agent the present one, as a new version. The versions between stay in its history."""
    from questline_persistence.memory.states import States  # noqa: PLC0415  (200 ms that --help does not need)

    states, name = States(invocation.kept(prefix, shown=False)), name_meant(invocation, "state", agent_id, prefix)
    version = _VERSION.fullmatch(point)
    if version is not None:
        restored = states.restore_agent_state(name, int(version[1]))
    else:
        restored = states.restore_snapshot(_snapshot_meant(invocation, name, point, prefix))
    invocation.answer(restored.to_json(), lambda: _restored(restored, point))


def purge(
    invocation: Invocation,
    agent_id: Agent,
    *,
    yes: options.Yes = False,
    prefix: parameters.Prefix = None,
) -> None:
    """Remove an agent for good: its state, all versions, its history and its snapshots."""
    from questline_persistence.memory.states import States  # noqa: PLC0415  (200 ms that --help does not need)

    name = name_meant(invocation, "state", agent_id, prefix)
    confirm(f"Remove {name} with all its versions, its history and its snapshots?", yes=yes, hint="add --yes")
    States(invocation.kept(prefix)).purge_agent(name)
    invocation.answer({"agent_id": name, "purged": True}, lambda: f"{visible(name)} is gone.")


def _snapshot_meant(invocation: Invocation, name: str, typed: str, prefix: str | None) -> str:
    """Return the id of the snapshot of an agent that a person means.

    Raises:
      NotFound: there is none, or it is another agent's.
    """
    from questline_persistence.memory.looking import meant  # noqa: PLC0415  (200 ms that --help does not need)
    from questline_persistence.memory.states import States  # noqa: PLC0415

    kept = invocation.kept(prefix)
    look = f"run: {command_for('state', 'snapshots', name, prefix=prefix)}; a version is written v7"
    snapshot_id = meant(kept, SNAPSHOTS, typed, look=look)
    found = States(kept).get_snapshot(snapshot_id)
    if found is None or found.agent_id != name:
        raise NotFound(f"{name} has no snapshot {snapshot_id}", hint=look)
    return snapshot_id


def _restored(agent: AgentState, point: str) -> RenderableType:
    rows = [(agent.agent_id, formatting.word(agent.status), f"v{agent.version}", f"restored from {point}")]
    return formatting.table("ID", "Status", "Version", "", rows=rows)


def _table(found: Sequence[StateSnapshot], now: float) -> RenderableType:
    rows = [
        [
            snapshot.snapshot_id,
            f"v{snapshot.version}",
            formatting.cut(snapshot.description or "-"),
            times.since(snapshot.created_at, now),
            "never" if snapshot.expires_at is None else times.ahead(snapshot.expires_at, now),
            by(snapshot.origin),
        ]
        for snapshot in found
    ]
    return formatting.table(
        *("ID", "Version", "What for", "Made", "Expires", "By"), rows=rows, spare=("By", "Expires", "Made")
    )
