"""What stands below a page of a list: the command that shows the page behind it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from questline.cli.display import formatting
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType


def next_page(invocation: Invocation, words: Sequence[str], cursor: str, *, limit: int, usual: int) -> str:
    """Return the command that shows the page behind `cursor`.

    Parameters:
      words: the command and what was chosen by it.
      limit: how many items a page has, and `usual` how many it has unless told otherwise.
    """
    size = [] if limit == usual else ["--limit", str(limit)]
    return shlex.join(["questline", *words, *invocation.flags.words(), *size, "--cursor", cursor])


def with_more(drawn: RenderableType, more: str | None) -> RenderableType:
    """Return a page as drawn, and below it the command that shows more, if there is more."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    return Group(drawn, "", formatting.command_line(f"More: {more}")) if more else drawn
