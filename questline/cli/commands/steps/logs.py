"""`questline logs`: what a quest's steps say while they run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options, paging, times
from questline.cli.command import command
from questline.cli.display import Output, formatting, output
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation
from questline_persistence.states import AT_REST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from questline_persistence.step_log import LogLine, LogTail

#: Lines on one page unless told otherwise, and at most.
PAGE, MAX_PAGE = 1_000, 1_000
#: Seconds between two looks for lines that have come.
LOOK_SECONDS = 0.5
#: How long after a quest has stopped its last lines are waited for, in seconds: they are written behind it.
LATE_SECONDS = 1.5


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "logs", panel=panel, example="questline logs @last -f\nquestline logs 0193a8 --step 0003")(logs)


def logs(
    invocation: Invocation,
    quest_id: options.QuestId,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the quest stops.", show_default=False)
    ] = False,
    step: Annotated[
        str | None,
        typer.Option(help="Only lines of the step at this position.", metavar="POSITION", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Most lines to show.", min=1, max=MAX_PAGE)] = PAGE,
    cursor: Annotated[
        str | None,
        typer.Option(help="Show what follows a line: give its cursor.", metavar="CURSOR", show_default=False),
    ] = None,
) -> None:
    """Show what a quest's steps have said: the lines of `ctx.log`, and what `ctx.emit` was given.

    Lines come a second after they were said at most. With -f, they are shown until the quest is completed, failed,
    cancelled or paused.
    """
    from questline_persistence.step_log import StepLog  # noqa: PLC0415  (SQLAlchemy, which --help does not need)

    full_id = invocation.repository.full_id(quest_id)
    log = StepLog(invocation.store, invocation.settings.namespace)
    if follow:
        if invocation.output is Output.JSON:
            raise UsageMistake("--follow prints line by line", hint="use -o jsonl")
        for line in _followed(invocation, full_id, log.tail(full_id, after=cursor)):
            if step is None or line.position == step:
                _write(invocation, line)
        return
    page = log.page(full_id, limit=limit, after=cursor, position=step)
    if invocation.output is not Output.TEXT:
        output.write_items([line.to_json() for line in page.items], invocation.output, page.next_cursor)
        return
    for line in page.items:
        output.write(_drawn(line))
    if not page.items:
        output.note("No step of this quest has said anything yet." if cursor is None else "There are no more lines.")
    if page.next_cursor:
        words = ["logs", full_id, *(["--step", step] if step else [])]
        output.note(f"More: {paging.next_page(invocation, words, page.next_cursor, limit=limit, usual=PAGE)}")


def _followed(invocation: Invocation, quest_id: str, tail: LogTail) -> Iterator[LogLine]:
    """Yield lines as they come, until the quest has stopped and its last lines are there."""
    stopped_at: float | None = None
    while stopped_at is None or time.monotonic() - stopped_at < LATE_SECONDS:
        at_rest = invocation.repository.status(quest_id) in AT_REST
        stopped_at = None if not at_rest else stopped_at or time.monotonic()
        found = tail.look()
        yield from found
        if not found:
            time.sleep(LOOK_SECONDS)


def _write(invocation: Invocation, line: LogLine) -> None:
    if invocation.output is Output.TEXT:
        output.write(_drawn(line))
    else:
        output.write_json(line.to_json(), invocation.output)


def _drawn(line: LogLine) -> str:
    """Return a line as people read it: when, where, how grave, and what; a traceback stands below."""
    told = line.value
    exception = told.pop("exception", None) if line.kind == "log" and isinstance(told, dict) else None
    words = [times.moment(line.at), line.position, line.level or str(line.kind), line.message or ""]
    if line.kind == "log" and isinstance(told, dict):
        words += [f"{name}={formatting.short(value)}" for name, value in told.items()]
    elif line.data is not None:
        words.append(formatting.short(told))
    text = output.printable(" ".join(word for word in words if word))
    return text if exception is None else f"{text}\n{output.printable(str(exception))}"
