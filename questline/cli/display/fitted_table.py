"""A table that fits the terminal: in a narrow one it has shorter ids and fewer columns, and its words stay whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from questline.cli.display.output import PIPE_WIDTH
from questline_persistence.ids import shortened

#: The heading of ids, which are shortened where there is no room.
IDS = "ID"

Cell = str | Text


class FittedTable:
    """A table without lines, drawn for the width that there is.

    Parameters:
      columns: their headings.
      rows: the cells of each row.
      numbers: the columns that are aligned to the right.
      spare: the columns that are left out where there is no room, in this order. Ids are shortened before, except
        where there is as much room as in a pipe, whose reader may look for whole ones: there they are the last resort.
    """

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Sequence[Cell]], numbers: Sequence[str], spare: Sequence[str]
    ) -> None:
        self._columns = columns
        self._rows = rows
        self._numbers = numbers
        self._spare = spare

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        *narrower, narrowest = self._forms(short_first=options.max_width < PIPE_WIDTH)
        fitting = next((form for form in [*narrower, narrowest] if _fits(form, console, options)), None)
        if fitting is not None:
            _keep_words(fitting, console, options)
        yield narrowest if fitting is None else fitting

    def _forms(self, *, short_first: bool) -> Iterator[Table]:
        """Yield the table as it is, then ever narrower."""
        yield self._drawn(left_out=())
        for number in range(len(self._spare) + 1):
            yield self._drawn(left_out=self._spare[:number], short=short_first)
        yield self._drawn(left_out=self._spare, short=True, named=True)

    def _drawn(self, *, left_out: Sequence[str], short: bool = False, named: bool = False) -> Table:
        """Return the table; `named` keeps its first column whole, by which its rows are known, at others' cost."""
        shown = [number for number, column in enumerate(self._columns) if column not in left_out]
        drawn = Table(box=None, pad_edge=False, header_style="bold")
        for number in shown:
            column = self._columns[number]
            whole = column == IDS or (named and number == shown[0])
            justify = "right" if column in self._numbers else "left"
            drawn.add_column(column, justify=justify, no_wrap=whole, overflow="ignore" if whole else "fold")  # type: ignore[arg-type]  # a literal
        for row in self._rows:
            drawn.add_row(*(self._cell(number, row[number], short=short) for number in shown))
        return drawn

    def _cell(self, number: int, cell: Cell, *, short: bool) -> Cell:
        return shortened(str(cell)) if short and self._columns[number] == IDS else cell


def _keep_words(drawn: Table, console: Console, options: ConsoleOptions) -> None:
    """Set how wide the columns of a table that fits are, so that no word is broken.

    The widest columns give the room that is missing, as far as their words allow. Rich would take what a word needs.
    """
    wide = options.update(max_width=max(options.max_width, 10_000))
    missing = Measurement.get(console, wide, drawn).maximum - options.max_width
    needs = [
        [Measurement.get(console, wide, cell) for cell in (column.header, *column.cells)] for column in drawn.columns
    ]
    least = [max(need.minimum for need in column) for column in needs]
    widths = most = [max(need.maximum for need in column) for column in needs]
    level = max(most)
    while level and sum(most) - sum(widths) < missing:
        level -= 1
        widths = [max(low, min(high, level)) for low, high in zip(least, most, strict=True)]
    for column, width in zip(drawn.columns, widths, strict=True):
        column.width = width


def _fits(drawn: Table, console: Console, options: ConsoleOptions) -> bool:
    """Return whether a table breaks no word at the width that there is."""
    wide = options.update(max_width=max(options.max_width, 10_000))
    return Measurement.get(console, wide, drawn).minimum <= options.max_width
