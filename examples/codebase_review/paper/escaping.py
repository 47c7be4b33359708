"""Making foreign text harmless: file names and error messages come from the reviewed tree, and may be hostile."""

import html
import re
from typing import Final

_MARKDOWN_MARKS: Final = re.compile(r"([\\`*_\[\]<>|#~&!])")


def printable(text: str) -> str:
    """Replace what cannot be seen by its escape: control characters, newlines, marks that turn the text's direction."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def xml_text(text: str) -> str:
    """Return text for HTML or SVG, good inside elements and inside quoted attributes."""
    return html.escape(printable(text), quote=True)


def markdown_text(text: str) -> str:
    """Return text in which Markdown finds no mark-up, and no HTML."""
    return _MARKDOWN_MARKS.sub(r"\\\1", printable(text))


def markdown_code(text: str, *, in_table: bool = False) -> str:
    """Return a code span whose fence is longer than any run of backticks in the text."""
    shown = printable(text) or " "
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if shown[0] == "`" or shown[-1] == "`" else ""
    span = f"{fence}{padding}{shown}{padding}{fence}"
    return span.replace("|", "\\|") if in_table else span


def shortened(text: str, limit: int) -> str:
    """Cut the middle out of a text longer than `limit`: of a path, the ends say most."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 3
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
