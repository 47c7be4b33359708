"""`questline runs`: every attempt of a quest's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options, paging, times
from questline.cli.command import command
from questline.cli.display import formatting, visible
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from questline_persistence.models import LordRun


#: Attempts on one page unless told otherwise, and at most; each comes with its input and output, so many are large.
PAGE, MAX_PAGE = 1_000, 1_000
#: The highest `run_id` that a cursor can hold.
MAX_CURSOR = 10**18


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "runs", panel=panel, example="questline runs @last -o jsonl")(runs)


def runs(
    invocation: Invocation,
    quest_id: options.QuestId,
    *,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Most attempts to show.", min=1, max=MAX_PAGE)] = PAGE,
    cursor: Annotated[
        int | None,
        typer.Option(
            help="Show what follows a page: give its next_cursor.",
            metavar="CURSOR",
            min=0,
            max=MAX_CURSOR,
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the attempts of a quest's steps, in the order in which questline recorded them."""
    full_id = invocation.repository.full_id(quest_id)
    page = invocation.history.runs_page(full_id, limit=limit, after=cursor)
    found, next_cursor = page.items, page.next_cursor
    more = next_cursor and paging.next_page(invocation, ["runs", full_id], next_cursor, limit=limit, usual=PAGE)
    invocation.answer_items(
        [run.to_json() for run in found],
        lambda: paging.with_more(_draw(found), more),
        empty="No step of this quest has run yet." if cursor is None else "There are no more attempts.",
        next_cursor=next_cursor,
    )


def _draw(found: Sequence[LordRun]) -> RenderableType:
    versioned = any(run.code_version for run in found)
    return formatting.table(
        "Step",
        "Lord",
        "Tool",
        "Epoch",
        "Attempt",
        "Status",
        "Took",
        *(["Code"] if versioned else []),
        "Result",
        rows=[row for run in found for row in _rows(run, versioned=versioned)],
        spare=("Tool", "Took", "Code", "Epoch", "Attempt"),
    )


def _rows(run: LordRun, *, versioned: bool) -> Iterator[list[object]]:
    """Yield the row of an attempt, and below it one for each of its calls that run once."""
    yield [
        run.position or "",
        run.lord_name,
        run.tool_name,
        run.epoch,
        f"{run.attempt_number}/{run.max_attempts}",
        formatting.word("lost" if run.lost else run.status),
        times.length(run.duration_seconds),
        *([run.code_version or ""] if versioned else []),
        formatting.first_line(run.error_message) if run.error_message else formatting.short(run.output_data, 80),
    ]
    for call in run.calls:
        name, took = visible(f"  once {call.name}"), times.length(call.duration_seconds)
        code = [""] if versioned else []
        yield ["", name, "", "", "", "", took, *code, formatting.short(call.output_data, 80)]
