"""A document as data, so that one report can be written as Markdown and as HTML without saying anything twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["good", "warn", "bad", "muted"]


@dataclass(frozen=True, slots=True)
class Code:
    """A name, path or expression, to be set as code."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Words to stress."""

    text: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A word with a colour that carries its meaning once more."""

    text: str
    tone: Tone


Inline = str | Code | Strong | Badge
Cell = Inline | int | float


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, in pieces."""

    parts: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of short paragraphs."""

    entries: Sequence[Sequence[Inline]]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; numbers are set to the right; a folded one opens on a click where the medium can do that."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """An SVG drawing. Its numbers must stand in a table too: Markdown leaves figures out."""

    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A number to be seen at once."""

    value: str
    label: str
    tone: Tone = "muted"


@dataclass(frozen=True, slots=True)
class Tiles:
    """The numbers at the head of a report."""

    tiles: Sequence[Tile]


Block = Paragraph | Items | Table | Figure | Tiles


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    lead: str
    facts: Sequence[tuple[str, str]]
    sections: list[Section] = field(default_factory=list)


def paragraph(*parts: Inline) -> Paragraph:
    """Return a paragraph of these pieces."""
    return Paragraph(parts)
