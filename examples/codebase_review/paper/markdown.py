"""A document as Markdown (the GitHub dialect: it needs tables)."""

from collections.abc import Iterable, Sequence

from .document import (
    Badge,
    Block,
    Cell,
    Code,
    Document,
    Figure,
    Inline,
    Items,
    Paragraph,
    Section,
    Strong,
    Table,
    Tiles,
)
from .escaping import markdown_code, markdown_text


def to_markdown(document: Document) -> str:
    """Return the document as Markdown; figures are left out, since their numbers stand in the tables."""
    facts = [f"- {markdown_text(name)}: {markdown_code(value)}" for name, value in document.facts]
    parts = [f"# {markdown_text(document.title)}", f"**{markdown_text(document.lead)}**", "\n".join(facts)]
    for section in document.sections:
        parts += _section(section)
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section) -> list[str]:
    return [f"## {markdown_text(section.title)}", *map(_block, section.blocks)]


def _block(block: Block) -> str:
    match block:
        case Paragraph(parts):
            return _line(parts)
        case Items(entries, ordered):
            marks = (f"{number}." if ordered else "-" for number in range(1, len(entries) + 1))
            return "\n".join(f"{mark} {_line(entry)}" for mark, entry in zip(marks, entries, strict=True))
        case Table():
            return _table(block)
        case Tiles(tiles):
            return "\n".join(f"- {markdown_text(tile.label)}: **{markdown_text(tile.value)}**" for tile in tiles)
        case Figure():
            return ""


def _line(parts: Iterable[Inline]) -> str:
    return "".join(_cell(part) for part in parts)


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    numeric = [isinstance(cell, int | float) for cell in table.rows[0]]
    rule = ["---:" if is_number else "---" for is_number in numeric]
    head = [markdown_text(name) for name in table.head]
    rows = [[_cell(cell, in_table=True) for cell in row] for row in table.rows]
    lines = "\n".join(_table_line(row) for row in [head, rule, *rows])
    return f"**{markdown_text(table.caption)}**\n\n{lines}"


def _table_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, *, in_table: bool = False) -> str:
    match cell:
        case Code(text):
            return markdown_code(text, in_table=in_table)
        case Strong(text):
            return f"**{markdown_text(text)}**"
        case Badge(text, _):
            return markdown_text(text)
        case str():
            return markdown_text(cell)
        case _:
            return f"{cell:,}"
