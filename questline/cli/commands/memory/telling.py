"""How what Lords remember is told: a page of a list, what a search has found, and by which step it was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from questline.cli import paging, times
from questline.cli.commands.memory.naming import VERSIONED
from questline.cli.commands.memory.parameters import PAGE
from questline.cli.display import formatting, output
from questline.cli.invocation import Invocation
from questline_persistence.ids import shortened

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.memory.looking import VersionView
    from questline_persistence.memory.models import StepOrigin

_NOTHING_FOUND = "Nothing has all of these words. The beginning of a word finds more: word*"


def tell_page(
    invocation: Invocation,
    items: list[dict[str, Any]],
    draw: Callable[[], RenderableType],
    next_cursor: str | None,
    *,
    words: Sequence[str],
    limit: int,
    empty: str,
) -> None:
    """Print a page of a list, and below it the command that shows more.

    Parameters:
      items: the things as JSON data.
      draw: returns them as a table.
      next_cursor: where the next page begins; None if this is the last one.
      words: the command and what was chosen by it.
      limit: how many things a page has.
      empty: what is said where there is nothing.
    """
    more = next_cursor and paging.next_page(invocation, words, next_cursor, limit=limit, usual=PAGE)
    invocation.answer_items(items, lambda: paging.with_more(draw(), more), empty=empty, next_cursor=next_cursor)


def tell_found(
    invocation: Invocation,
    items: list[dict[str, Any]],
    draw: Callable[[], RenderableType],
    *,
    newest_only: bool,
) -> None:
    """Print what a search has found, the best first.

    Parameters:
      items: the things as JSON data.
      draw: returns them as a table.
      newest_only: whether there were more matches than are compared.
    """
    invocation.answer_items(items, draw, empty=_NOTHING_FOUND)
    if newest_only:
        output.note("There are more: these are the best of the newest 1,000. More words find fewer.")


def options_of(**chosen: object) -> list[str]:
    """Return options as they were given, for the command that shows more.

    Parameters:
      chosen: the options' values by name; several of one in a list; None where one was not given.
    """
    return [
        word
        for name, values in chosen.items()
        for value in (values if isinstance(values, list) else [values])
        if value not in {None, False}
        for word in ([f"--{name}"] if value is True else [f"--{name}", str(value)])
    ]


def by(origin: StepOrigin | None) -> str:
    """Return by which step of which quest something was written, and whether a replay has dropped it."""
    if origin is None:
        return "-"
    dropped = "" if origin.abandoned_by is None else f", dropped by epoch {origin.abandoned_by}"
    return f"{shortened(origin.quest_id)} step {origin.position}{dropped}"


def tell_versions(
    invocation: Invocation,
    noun: str,
    name: str,
    *,
    limit: int,
    cursor: str | None,
    prefix: str | None,
) -> None:
    """Print the versions of a key, newest first.

    Parameters:
      noun: the command's group.
      name: the key's name.
      limit: how many a page has.
      cursor: behind which page to begin.
      prefix: the key prefix.
    """
    from questline_persistence.memory.looking import versions  # noqa: PLC0415  (200 ms that --help does not need)

    found = versions(invocation.kept(prefix), VERSIONED[noun], name, limit=limit, cursor=cursor)
    tell_page(
        invocation,
        [version.to_json() for version in found],
        lambda: _versions(found, invocation.now()),
        found.next_cursor,
        words=[noun, "versions", name, *options_of(prefix=prefix)],
        limit=limit,
        empty="There are no more versions." if cursor else f"No version of {name} is left.",
    )


def _versions(found: Sequence[VersionView], now: float) -> RenderableType:
    status = ["Status"] if any(version.status is not None for version in found) else []
    rows = [
        [
            f"v{version.version}",
            _came_by(version),
            *([version.status or ""] if status else []),
            times.since(version.saved_at, now),
            by(version.origin),
        ]
        for version in found
    ]
    return formatting.table("Version", "How", *status, "Saved", "By", rows=rows, spare=("Saved", "By"))


def _came_by(version: VersionView) -> str:
    """Return how a version came about, and whose content it has again, if it has none of its own."""
    again = version.body_version not in {None, version.version}
    return f"{version.op} (content of v{version.body_version})" if again else version.op
