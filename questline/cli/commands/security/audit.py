"""`questline audit`: who did what to quests, states and keys, when, why and from where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from questline.cli import options, paging, times
from questline.cli.command import command
from questline.cli.display import formatting
from questline.cli.invocation import Invocation
from questline_persistence.errors import QuestNotFound
from questline_persistence.ids import shortened

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.audit import AuditEntry

#: Entries on one page unless told otherwise, and at most.
PAGE, MAX_PAGE = 100, 1_000

_EMPTY = "Nobody has changed anything yet: no quest was paused, cancelled, retried, replayed or deleted."


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    example = "questline audit --since 24h\nquestline audit --quest @last\nquestline audit --verb delete --verb prune"
    command(app, "audit", panel=panel, example=example)(audit)


def audit(
    invocation: Invocation,
    *,
    quest: Annotated[
        str | None,
        typer.Option(
            "--quest",
            help="Only about this quest: its id, its beginning or end, or @last. Of a deleted one: its whole id.",
            metavar="ID",
            autocompletion=options.complete_quest_id,
            show_default=False,
        ),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option("--actor", help="Only by this actor: the whole name.", metavar="NAME", show_default=False),
    ] = None,
    verbs: Annotated[
        list[str] | None,
        typer.Option("--verb", help="Only this verb; repeatable.", metavar="VERB", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only since then: a time (ISO 8601) or an age such as 2h or 30d.", metavar="WHEN", show_default=False
        ),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only before then.", metavar="WHEN", show_default=False)] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Most entries to show.", min=1, max=MAX_PAGE)] = PAGE,
    cursor: Annotated[
        str | None,
        typer.Option(help="Show what follows a page: give its next_cursor.", metavar="CURSOR", show_default=False),
    ] = None,
) -> None:
    """List what people and programs did, newest first: who did what, when, why, and from where.

    Each verb that changes something leaves one entry, by whatever door it came: Python, the command line, HTTP or the
    dashboard. Entries outlive their quests; to remove old ones, use: questline prune --audit-older-than AGE
    """
    from questline_persistence.audit import AuditFilter, AuditLog  # noqa: PLC0415  (200 ms that --help does not need)

    moments = {
        name: None if given is None else times.read_moment(given, invocation.now())
        for name, given in (("since", since), ("until", until))
    }
    quest_id = None if quest is None else _whole(invocation, quest)
    chosen = AuditFilter(quest_id=quest_id, actor=actor, verb=verbs, **moments)
    page = AuditLog(invocation.store, invocation.settings.namespace).page(chosen, limit=limit, cursor=cursor)
    asked = {"quest": quest_id, "actor": actor, "verb": verbs}
    words = ["audit", *_options(asked | {name: times.stamped(moment) for name, moment in moments.items()})]
    more = page.next_cursor and paging.next_page(invocation, words, page.next_cursor, limit=limit, usual=PAGE)
    invocation.answer_items(
        [entry.to_json() for entry in page.items],
        lambda: paging.with_more(_table(page.items, invocation.now()), more),
        empty="No entry matches." if len(words) > 1 or cursor else _EMPTY,
        next_cursor=page.next_cursor,
    )


def _whole(invocation: Invocation, typed: str) -> str:
    """Return the id of the quest that a person means; one that is gone is named by its whole id."""
    try:
        return invocation.repository.full_id(typed)
    except QuestNotFound:
        return typed


def _options(asked: dict[str, Any]) -> list[str]:
    """Return options as they were given, for the command that shows more; an age has become a time, which stays."""
    return [
        word
        for name, given in asked.items()
        for value in (given if isinstance(given, list) else [given])
        if value is not None
        for word in (f"--{name}", value)
    ]


def _table(entries: Sequence[AuditEntry], now: float) -> RenderableType:
    rows = [
        [
            times.since(entry.at, now),
            formatting.cut(entry.actor),
            entry.verb,
            shortened(entry.quest_id) if entry.quest_id else entry.subject or "-",
            formatting.cut(entry.reason or "-"),
            entry.door if entry.address is None else f"{entry.door} {entry.address}",
        ]
        for entry in entries
    ]
    return formatting.table("When", "Who", "Did", "To", "Why", "From", rows=rows, spare=("From", "Why"))
