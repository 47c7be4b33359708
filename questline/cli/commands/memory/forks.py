"""`questline state diff` and `adopt`: what two quests have made of the same things, and a fork's copies taken over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options
from questline.cli.command import command
from questline.cli.commands.memory import parameters
from questline.cli.completion import complete_quest_id
from questline.cli.display import formatting, output, visible
from questline.cli.exit_codes import ExitCode
from questline.cli.invocation import Invocation
from questline_persistence.ids import shortened

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.looking import KeyDifference, Side
    from questline_persistence.memory.merging import MergeConflict, StateChange
    from questline_persistence.memory.states import Adopted


def register(group: typer.Typer) -> None:
    """Add the commands to the group."""
    command(group, "diff", example="questline state diff 0193a8 second-try\nquestline state diff 0193a8 0193a9 --all")(
        diff
    )
    command(group, "adopt", example="questline state adopt second-try planner --dry-run")(adopt)


def diff(
    invocation: Invocation,
    quest_id: options.QuestId,
    other: Annotated[
        str,
        typer.Argument(
            help="Another quest, named likewise; often a fork of the first.",
            metavar="OTHER",
            autocompletion=complete_quest_id,
            show_default=False,
        ),
    ],
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Show what both have left alike, too.", show_default=False)
    ] = False,
) -> None:
    """Show what two quests have made of the same things: agents, contexts, to-do lists, tasks and session states.

    It shows each key that either has written, with what both began with; a fork's copy beside what it was copied from.
    It marks what a replay has dropped.
    """
    from questline_persistence.memory.looking import quest_difference  # noqa: PLC0415  (200 ms that --help spares)

    ids = [invocation.repository.full_id(typed) for typed in (quest_id, other)]
    compared = quest_difference(invocation.kept(), *ids)
    found = [one for one in compared if everything or not one.is_alike]
    invocation.answer_items(
        [one.to_json() for one in found],
        lambda: _differences(found, ids),
        empty="Both have left the same." if compared else "Neither quest has written anything that Lords remember.",
    )


def adopt(
    invocation: Invocation,
    fork: options.QuestId,
    agent_id: Annotated[
        str | None,
        typer.Argument(
            help="The shared agent; all of which the fork has a copy by default.", metavar="AGENT", show_default=False
        ),
    ] = None,
    *,
    dry_run: options.DryRun = False,
    prefix: parameters.Prefix = None,
) -> None:
    """Merge a fork's own copies of shared agents into these.

    What only one of them has changed since the copy was made is taken over. Where both have changed the same thing
    differently, it shows the conflicts, writes nothing, and exits with 5.
    """
    from questline_persistence.memory.states import Adopting  # noqa: PLC0415  (200 ms that --help does not need)

    name = invocation.repository.full_id(fork)
    found = Adopting(invocation.kept(prefix, shown=False)).adopt(name, agent_id, dry_run=dry_run)
    data = {"fork": name, "dry_run": dry_run, "agents": [one.to_json() for one in found]}
    invocation.answer(data, lambda: _adopted(found, name))
    if any(one.conflicts for one in found):
        output.note("Nothing was written. Have a program save in one of the two what you want, and adopt again.")
        raise typer.Exit(ExitCode.CONFLICT)


def _differences(found: Sequence[KeyDifference], ids: Sequence[str]) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    names = [shortened(quest_id) for quest_id in ids]
    parts: list[RenderableType] = []
    for one in found:
        parts += ["", formatting.title(one.kind.capitalize(), one.name or "of its own", _prefix(one))]
        rows = [
            _side(name, side)
            for name, side in zip(("Began with", *names), (one.base, one.ours, one.theirs), strict=True)
        ]
        parts.append(formatting.table("", "Version", "Of", "Value", rows=rows, spare=("Of",)))
        if one.changes:
            parts.append(formatting.table("Path", *names, rows=_rows(one.changes, "before", "after")))
    return Group(*parts[1:])


def _prefix(one: KeyDifference) -> str:
    return f"(prefix {one.key_prefix})" if one.key_prefix else ""


def _side(name: str, side: Side | None) -> list[object]:
    if side is None:
        return [name, "-", "-", "-"]
    dropped = "" if side.abandoned_by is None else f" (dropped by epoch {side.abandoned_by})"
    value = "deleted" if side.value is None else formatting.short(side.value)
    return [name, f"v{side.version}{dropped}", side.key, value]


def _rows(found: Sequence[StateChange] | Sequence[MergeConflict], *sides: str) -> list[list[object]]:
    return [formatting.changed(one.path, one.to_json(), sides) for one in found]


def _adopted(found: Sequence[Adopted], fork: str) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415  (as above)

    return Group(*(part for one in found for part in _agent(one, fork)))


def _agent(one: Adopted, fork: str) -> Iterator[RenderableType]:
    if one.conflicts:
        yield formatting.title("Conflicts of", one.agent_id)
        rows = _rows(one.conflicts, "base", "ours", "theirs")
        yield formatting.table("Path", "Began with", "Shared", shortened(fork), rows=rows)
    elif one.changes:
        version = "would change" if one.version is None else f"v{one.version}"
        yield formatting.title("Agent", one.agent_id, version)
        yield formatting.table("Path", "Before", "After", rows=_rows(one.changes, "before", "after"))
    else:
        yield f"{visible(one.agent_id)}: nothing is left to adopt."
