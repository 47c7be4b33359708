"""`questline snapshots`: the states that a quest has been in, which a replay or fork can start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from questline.cli import options, paging
from questline.cli.command import command
from questline.cli.display import Output, formatting
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from questline_persistence.models import Snapshot
    from questline_persistence.records import SnapshotHead

#: Snapshots on one page unless told otherwise, and at most; as JSON each is whole, so that many are large.
PAGE, MAX_PAGE = 100, 1_000
#: The highest version that is looked for.
MAX_VERSION = 999_999_999


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    example = "questline snapshots @last\nquestline snapshots @last --version 3 -o json"
    command(app, "snapshots", panel=panel, example=example)(snapshots)


def snapshots(
    invocation: Invocation,
    quest_id: options.QuestId,
    *,
    version: Annotated[
        int | None,
        typer.Option(
            "--version", "-v", help="Show only this version, whole.", min=0, max=MAX_VERSION, show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Most snapshots to show.", min=1, max=MAX_PAGE)] = PAGE,
    cursor: Annotated[
        int | None,
        typer.Option(
            help="Show what follows a page: give its next_cursor.",
            metavar="CURSOR",
            min=0,
            max=MAX_VERSION,
            show_default=False,
        ),
    ] = None,
) -> None:
    """List a quest's snapshots, oldest first, or show one of them."""
    history = invocation.history
    full_id = invocation.repository.full_id(quest_id)
    if version is not None:
        snapshot = history.snapshot(full_id, version)
        invocation.answer(snapshot.to_json(), lambda: _draw(snapshot))
        return
    found = history.snapshots_page(full_id, limit=limit, after=cursor)
    page, next_cursor = found.items, found.next_cursor
    whole = [] if invocation.output is Output.TEXT else [_whole(invocation, head) for head in page]
    more = next_cursor and paging.next_page(invocation, ["snapshots", full_id], next_cursor, limit=limit, usual=PAGE)
    invocation.answer_items(
        whole or [head.to_json() for head in page],
        lambda: paging.with_more(_list(page), more),
        empty="There are no more snapshots.",
        next_cursor=next_cursor,
    )


def _list(page: Sequence[SnapshotHead]) -> RenderableType:
    rows = [_row(head) for head in page]
    return formatting.table("Version", "Epoch", "Next step", "Reason", "Made", rows=rows, spare=("Epoch", "Made"))


def _whole(invocation: Invocation, head: SnapshotHead) -> dict[str, Any]:
    return invocation.history.snapshot(head.quest_id, head.version).to_json()


def _row(head: SnapshotHead) -> list[object]:
    return [f"v{head.version}", head.epoch, head.position or "", head.snapshot_reason, head.created_at]


def _draw(snapshot: Snapshot) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    facts = f"v{snapshot.version} of quest {snapshot.quest_id}, epoch {snapshot.epoch}: {snapshot.snapshot_reason}"
    outputs = [(name, formatting.short(value)) for name, value in snapshot.run_data.items()]
    left = [(step.lord_name, step.tool_name, formatting.short(step.params, 80)) for step in snapshot.execution_stack]
    return Group(
        f"{facts}, {snapshot.created_at}",
        "",
        formatting.table("Lord", "Output", rows=outputs),
        "",
        formatting.table("Then", "Tool", "Params", rows=left),
    )
