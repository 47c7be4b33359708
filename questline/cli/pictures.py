"""How quests, steps and runs look as text: tables and coloured words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from questline.cli.output import visible

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from questline_persistence.models import QuestExecutionData

#: Longest value that a line shows, in characters.
MAX_SHOWN = 300

_STYLES = {
    "completed": "green",
    "success": "green",
    "live": "green",
    "pass": "green",
    "failed": "red",
    "error": "red",
    "lost": "red",
    "fail": "red",
    "running": "cyan",
    "queued": "cyan",
    "waiting": "yellow",
    "pausing": "yellow",
    "paused": "yellow",
    "warn": "yellow",
    "cancelled": "dim",
    "skipped": "dim",
    "stopped": "dim",
}


def table(*columns: str, rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()) -> Table:
    """Return a table without lines; the columns named in `numbers` are aligned to the right."""
    from rich.table import Table  # noqa: PLC0415  (40 ms that JSON output does not need)

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=column == "ID",
            overflow="ignore" if column == "ID" else "fold",
        )
    for row in rows:
        drawn.add_row(*(cell if _is_styled(cell) else visible(cell) for cell in row))  # type: ignore[arg-type]
    return drawn


def word(status: object) -> Text:
    """Return a status in its colour; the word itself says the same without it."""
    from rich.text import Text  # noqa: PLC0415  (as the table's)

    return Text(visible(status), style=_STYLES.get(str(status), ""))


def progress(quest: QuestExecutionData) -> str:
    """Return how many of a quest's steps are done."""
    done, left = quest.progress["completed"], quest.progress["remaining"]
    return f"{done}/{done + left}"


def short(value: Any, most: int = MAX_SHOWN) -> str:
    """Return a value as JSON on one line, cut where it grows long."""
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def first_line(text: str) -> str:
    """Return the first line of an error; its traceback follows below."""
    return visible(text.partition("\n")[0])


def labels(found: dict[str, str]) -> str:
    """Return labels as people type them."""
    return " ".join(f"{key}={value}" for key, value in found.items())


def _is_styled(cell: object) -> bool:
    return hasattr(cell, "__rich_console__")
