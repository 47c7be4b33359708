"""How quests, steps and runs look as text: tables and coloured words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from questline.cli.display.output import printable, visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from questline_persistence.models import QuestExecutionData, StepView

#: Longest value that a line shows, in characters.
MAX_SHOWN = 300
#: Longest text of a cell among others, and longest text of several lines, in characters.
MAX_CELL, MAX_TEXT = 80, 4_000
#: How much is shown before the place where two values begin to differ, in characters.
LEAD = 20

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
    "conflict": "yellow",
    "cancelled": "dim",
    "skipped": "dim",
    "stopped": "dim",
}


def table(
    *columns: str, rows: Iterable[Sequence[object]], numbers: Sequence[str] = (), spare: Sequence[str] = ()
) -> RenderableType:
    """Return a table without lines, for any width.

    Parameters:
      columns: their headings; what stands under "ID" is never broken.
      rows: the cells of each row.
      numbers: the columns that are aligned to the right.
      spare: the columns that are left out where there is no room, in this order; ids are shortened before.
    """
    from questline.cli.display.fitted_table import FittedTable  # noqa: PLC0415  (40 ms that JSON output does not need)

    return FittedTable(columns, [[_cell(cell) for cell in row] for row in rows], numbers, spare)


def title(what: str, name: str, more: str = "") -> Text:
    """Return the first line about one thing: what it is, its name, and what else people know it by."""
    from rich.text import Text  # noqa: PLC0415  (as the table's)

    return Text.assemble((f"{what} ", "bold"), (visible(name), "bold"), f"  {visible(more)}" if more else "")


def facts(rows: Iterable[tuple[str, RenderableType]]) -> RenderableType:
    """Return what is known of one thing, a line each."""
    from rich.table import Table  # noqa: PLC0415  (as above)

    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def structure(value: Any, *headings: str) -> RenderableType:
    """Return JSON as a table of its keys, or of its items, with their values; anything else on one line.

    Parameters:
      headings: those of the two columns.
    """
    if not value or not isinstance(value, dict | list):
        return short(value)
    named = value.items() if isinstance(value, dict) else enumerate(value, start=1)
    return table(*(headings or ("Key", "Value")), rows=[(name, short(one)) for name, one in named])


def command_line(text: str) -> Text:
    """Return a command to be copied, on one line however long that is."""
    from rich.text import Text  # noqa: PLC0415  (as the table's)

    return Text(visible(text), no_wrap=True, overflow="ignore")


def word(status: object) -> Text:
    """Return a status in its colour; the word itself says the same without it."""
    from rich.text import Text  # noqa: PLC0415  (as the table's)

    return Text(visible(status), style=_STYLES.get(str(status), ""))


def progress(quest: QuestExecutionData) -> str:
    """Return how many of a quest's steps are done."""
    done, left = quest.progress["completed"], quest.progress["remaining"]
    return f"{done}/{done + left}"


def step_progress(quest: QuestExecutionData, *, before: str = ", ") -> str:
    """Return how far the running step says to be, behind `before`; nothing where none does."""
    told = quest.step_progress
    if told is None:
        return ""
    return f"{before}{told.fraction:.0%}" + (f": {first_line(told.message)}" if told.message else "")


def attempts(step: StepView) -> str:
    """Return how often a step was tried, out of how often it may be, and how many workers it has outlived beside."""
    if not step.attempts and not step.lost:
        return "-"
    earlier = f" (+{step.earlier_attempts} before a retry)" if step.earlier_attempts else ""
    lost = f" (+{step.lost} lost)" if step.lost else ""
    return f"{step.attempts - step.earlier_attempts}/{step.max_attempts}{earlier}{lost}"


def short(value: Any, most: int = MAX_SHOWN) -> str:
    """Return a value as JSON on one line, cut where it grows long."""
    return cut(json.dumps(value, ensure_ascii=False), most)


def apart(values: Sequence[Any], most: int = MAX_CELL) -> list[str]:
    """Return values as JSON of one line each, cut so that one sees where they begin to differ."""
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    common = next((at for at, letters in enumerate(zip(*texts, strict=False)) if len(set(letters)) > 1), 0)
    begin = 0 if common < most - LEAD else common - LEAD
    return [cut(("…" if begin else "") + text[begin:], most) for text in texts]


def changed(path: str, told: Mapping[str, Any], sides: Sequence[str]) -> list[object]:
    """Return the row of a change: where, and what each side has there; "-" for nothing.

    Parameters:
      path: where; "" is the whole.
      told: what the sides have, by their names; one that has nothing is missing.
      sides: the names, in the order of the columns.
    """
    shown = iter(apart([told[side] for side in sides if side in told]))
    return [visible(path) or "(all)", *(next(shown) if side in told else "-" for side in sides)]


def cut(text: str, most: int = MAX_CELL) -> str:
    """Return a text on one line, cut where it grows long."""
    text = visible(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def data(text: str) -> RenderableType:
    """Return a text of any form: JSON as a table of what it holds, any other as it is, cut where it grows long."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict | list):
        return structure(found)
    shown = printable(text)
    return shown if len(shown) <= MAX_TEXT else f"{shown[: MAX_TEXT - 1]}…"


def first_line(text: str) -> str:
    """Return the first line of an error; its traceback follows below."""
    return visible(text.partition("\n")[0])


def labels(found: dict[str, str]) -> str:
    """Return labels as people type them."""
    return " ".join(f"{key}={value}" for key, value in found.items())


def _cell(value: object) -> str | Text:
    return value if hasattr(value, "__rich_console__") else visible(value)  # type: ignore[return-value]  # Rich's own
