"""A document as one HTML page that needs nothing else: no script, no font, no file from anywhere."""

import re
from collections.abc import Iterable
from typing import Final

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
from .escaping import xml_text
from .page_style import STYLE

#: The page may load nothing, even if a hostile name should find a hole in the escaping.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def to_html(document: Document) -> str:
    """Return the document as a complete page."""
    title = xml_text(document.title)
    links = "".join(f'<a href="#{_anchor(section)}">{xml_text(section.title)}</a>' for section in document.sections)
    facts = "".join(f"<dt>{xml_text(name)}</dt><dd>{xml_text(value)}</dd>" for name, value in document.facts)
    lead = xml_text(document.lead)
    header = f'<header><h1>{title}</h1><p class="lead">{lead}</p><dl>{facts}</dl><nav>{links}</nav></header>'
    body = "\n".join([header, *map(_section, document.sections)])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _anchor(section: Section) -> str:
    return re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")


def _section(section: Section) -> str:
    blocks = "\n".join(map(_block, section.blocks))
    return f'<section id="{_anchor(section)}">\n<h2>{xml_text(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Paragraph(parts):
            return f"<p>{_line(parts)}</p>"
        case Items(entries, ordered):
            name = "ol" if ordered else "ul"
            return f"<{name}>{''.join(f'<li>{_line(entry)}</li>' for entry in entries)}</{name}>"
        case Table():
            return _table(block)
        case Tiles(tiles):
            boxes = (
                f'<div class="tile {t.tone}"><b>{xml_text(t.value)}</b><span>{xml_text(t.label)}</span></div>'
                for t in tiles
            )
            return f'<div class="tiles">{"".join(boxes)}</div>'
        case Figure(caption, svg):
            return f"<figure><figcaption>{xml_text(caption)}</figcaption>{svg}</figure>"


def _line(parts: Iterable[Inline]) -> str:
    return "".join(map(_inline, parts))


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    numeric = [isinstance(cell, int | float) for cell in table.rows[0]]
    heads = "".join(f"<th{_right(n)}>{xml_text(name)}</th>" for name, n in zip(table.head, numeric, strict=True))
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    caption = xml_text(table.caption)
    drawn = f'<div class="wide"><table><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    return f"<details><summary>{caption}</summary>{drawn}</details>" if table.folded else f"<h3>{caption}</h3>{drawn}"


def _right(is_number: bool) -> str:
    return ' class="n"' if is_number else ""


def _cell(cell: Cell) -> str:
    is_number = isinstance(cell, int | float)
    return f"<td{_right(is_number)}>{_inline(cell)}</td>"


def _inline(cell: Cell) -> str:
    match cell:
        case Code(text):
            return f"<code>{xml_text(text)}</code>"
        case Strong(text):
            return f"<strong>{xml_text(text)}</strong>"
        case Badge(text, tone):
            return f'<span class="badge {tone}">{xml_text(text)}</span>'
        case str():
            return xml_text(cell)
        case _:
            return f"{cell:,}"
