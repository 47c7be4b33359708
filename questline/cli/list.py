"""`questline list`: the quests, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options, pictures, times
from questline.cli.command import command
from questline.cli.invocation import Invocation
from questline.cli.quest_filter import read_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from questline_persistence.models import QuestExecutionData

#: Quests on one page unless told otherwise, and at most.
PAGE, MAX_PAGE = 100, 1_000


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "list", panel=panel, example="questline list --status failed --since 2h")(list_quests)


def list_quests(
    invocation: Invocation,
    *,
    statuses: options.Statuses = None,
    quest_type: options.QuestType = None,
    labels: options.Labels = None,
    since: options.Since = None,
    until: options.Until = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Most quests to show.", min=1, max=MAX_PAGE)] = PAGE,
    cursor: Annotated[
        str | None, typer.Option(help="Go on behind a page: its next_cursor.", metavar="CURSOR", show_default=False)
    ] = None,
) -> None:
    """List quests, newest first."""
    chosen = read_filter(invocation, statuses=statuses, quest_type=quest_type, labels=labels, since=since, until=until)
    page = invocation.repository.page(chosen, limit=limit, cursor=cursor)
    filtered = bool(statuses or quest_type or labels or since or until or cursor)
    invocation.answer_items(
        [quest.to_json() for quest in page.items],
        lambda: draw(page.items, invocation.now(), page.next_cursor),
        empty="No quest is like that." if filtered else "There is no quest yet. Make one: questline submit --help",
        next_cursor=page.next_cursor,
    )


def draw(quests: Sequence[QuestExecutionData], now: float, next_cursor: str | None) -> RenderableType:
    """Return quests as a table."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    drawn = pictures.table(
        "ID",
        "Type",
        "Status",
        "Steps",
        "Made",
        "Took",
        "Labels",
        numbers=("Steps",),
        rows=[_row(one, now) for one in quests],
    )
    return Group(drawn, "", f"More: questline list --cursor {next_cursor}") if next_cursor else drawn


def _row(quest: QuestExecutionData, now: float) -> list[object]:
    made = times.stamp(quest.created_at)
    return [
        quest.quest_id,
        quest.quest_type,
        pictures.word(quest.status),
        pictures.progress(quest),
        "" if made is None else times.ago(min(made, now), now),
        times.length(quest.duration_seconds),
        pictures.labels(quest.labels),
    ]
