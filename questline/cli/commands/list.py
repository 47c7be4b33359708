"""`questline list`: the quests, newest first unless told otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import paging, times
from questline.cli.command import command
from questline.cli.display import Output, formatting, output
from questline.cli.invocation import Invocation
from questline.cli.quest_filter import FilterWords, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from questline_persistence.models import QuestExecutionData
    from questline_persistence.records import Page, QuestFilter, QuestRepository

#: Quests on one page unless told otherwise, and at most.
PAGE, MAX_PAGE = 100, 1_000
#: The order of a list unless told otherwise.
NEWEST = "newest"


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "list", panel=panel, example="questline list --status failed --since 2h")(list_quests)


def list_quests(
    invocation: Invocation,
    *,
    words: FilterWords,
    sort: Annotated[
        str,
        typer.Option(
            help="Which come first: newest, oldest, last updated, or longest waiting of those that have not ended.",
            metavar="newest|oldest|updated|waiting",
        ),
    ] = NEWEST,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Most quests to show.", min=1, max=MAX_PAGE)] = PAGE,
    cursor: Annotated[
        str | None,
        typer.Option(help="Show what follows a page: give its next_cursor.", metavar="CURSOR", show_default=False),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every page, one after the other.", show_default=False)
    ] = False,
) -> None:
    """List quests, newest first unless --sort says otherwise."""
    chosen = words.read(invocation)
    pages = _pages(invocation.repository, chosen, sort, MAX_PAGE if everything else limit, cursor)
    if not everything:
        _tell(invocation, next(pages), chosen, sort, limit, filtered=words.given or cursor is not None)
    elif invocation.output is Output.JSON:
        output.write_items([quest.to_json() for page in pages for quest in page.items], invocation.output)
    else:
        for page in pages:
            _tell(invocation, replace(page, next_cursor=None), chosen, sort, limit, filtered=words.given)


def _pages(
    repository: QuestRepository, chosen: QuestFilter, sort: str, limit: int, cursor: str | None
) -> Iterator[Page]:
    """Yield the pages of a list, each when it is asked for."""
    page = repository.page(chosen, sort=sort, limit=limit, cursor=cursor)
    yield page
    while page.next_cursor:
        page = repository.page(chosen, sort=sort, limit=limit, cursor=page.next_cursor)
        yield page


def _tell(invocation: Invocation, page: Page, chosen: QuestFilter, sort: str, limit: int, *, filtered: bool) -> None:
    invocation.answer_items(
        [quest.to_json() for quest in page.items],
        lambda: draw(page.items, invocation.now(), page.next_cursor and _next(invocation, page, chosen, sort, limit)),
        empty="No quest matches." if filtered else "There is no quest yet. How to submit one: questline submit --help",
        next_cursor=page.next_cursor,
    )


def _next(invocation: Invocation, page: Page, chosen: QuestFilter, sort: str, limit: int) -> str:
    """Return the command that shows the page behind one."""
    words = ["list", *words_of(chosen), *(() if sort == NEWEST else ("--sort", sort))]
    return paging.next_page(invocation, words, page.next_cursor or "", limit=limit, usual=PAGE)


def draw(quests: Sequence[QuestExecutionData], now: float, more: str | None) -> RenderableType:
    """Return quests as a table, and below it the command that shows more of them."""
    drawn = formatting.table(
        "ID",
        "Type",
        "Status",
        "Steps",
        "Made",
        "Took",
        "Labels",
        numbers=("Steps",),
        rows=[_row(one, now) for one in quests],
        spare=("Labels", "Took", "Made", "Type"),
    )
    return paging.with_more(drawn, more)


def _row(quest: QuestExecutionData, now: float) -> list[object]:
    return [
        quest.quest_id,
        quest.quest_type,
        formatting.word(quest.status),
        formatting.progress(quest),
        times.since(quest.created_at, now),
        times.length(quest.duration_seconds),
        formatting.labels(quest.labels),
    ]
