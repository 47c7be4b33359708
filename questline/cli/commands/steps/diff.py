"""`questline diff`: what differs between two quests, versions or attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli.command import command
from questline.cli.completion import complete_quest_id
from questline.cli.display import formatting, output
from questline.cli.invocation import Invocation
from questline_persistence.ids import shortened

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.looking import Comparison

#: Most differences that are shown as text; as JSON there are all.
MAX_SHOWN = 300


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    example = "questline diff @last\nquestline diff 0193a8@v3 0193a8@v7\nquestline diff 0193a8 second-try -o json"
    command(app, "diff", panel=panel, example=example)(diff)


def diff(
    invocation: Invocation,
    a: Annotated[
        str,
        typer.Argument(
            help="A quest, ID@vVERSION for a version of it, or ID#RUN for an attempt.",
            metavar="A",
            autocompletion=complete_quest_id,
            show_default=False,
        ),
    ],
    b: Annotated[
        str | None,
        typer.Argument(
            help="Another one. By default A is compared with what came before it.",
            metavar="B",
            autocompletion=complete_quest_id,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what differs between two quests, two versions of a quest, or two attempts of a step.

    With A alone, an attempt is compared with the attempt before of its step, a version with the version before, a fork
    with the quest that it was made from, and a replayed quest with what it was before. Times and ids are left out.

    `questline runs ID -o json` tells the numbers of attempts, `questline snapshots ID` the versions.
    """
    from questline_persistence.memory.looking import Comparing  # noqa: PLC0415  (200 ms that --help does not need)

    found = Comparing(invocation.repository).compare(a, b)
    invocation.answer(found.to_json(), lambda: draw(found))
    if not found.changes:
        output.note(f"{found.a.name} and {found.b.name} are equal.")


def draw(found: Comparison) -> RenderableType:
    """Return the differences as a table: where, and what each side has there."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    names = [side.name.replace(side.quest_id, shortened(side.quest_id), 1) for side in (found.a, found.b)]
    rows = [
        formatting.changed(change.path, change.to_json(), ("before", "after")) for change in found.changes[:MAX_SHOWN]
    ]
    parts: list[RenderableType] = [formatting.table("Path", *names, rows=rows)] if rows else []
    if len(found.changes) > MAX_SHOWN:
        parts.append(f"… and {len(found.changes) - MAX_SHOWN:,} more; -o json shows all.")
    return Group(*parts)
