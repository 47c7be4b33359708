"""What goes to stdout and stderr: answers there, everything else here; JSON never passes through Rich."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

#: Width of text that is not written to a terminal and whose width COLUMNS does not say, in characters.
PIPE_WIDTH = 160


class Output(StrEnum):
    """The form of a command's answer."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


class StdoutClosed(Exception):
    """Whoever read our answer has read enough, as `head` does."""


def accept_any_text(stream: TextIO) -> None:
    """Have a stream whose encoding is a small one write `?` for what it lacks, rather than refuse the whole text."""
    if isinstance(stream, TextIOWrapper) and not _is_utf8(stream):
        stream.reconfigure(errors="replace")


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def write(text: str) -> None:
    """Write lines to stdout.

    Raises:
      StdoutClosed: nobody reads them any more.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise StdoutClosed from None


def note(text: str) -> None:
    """Write a line for people, not for pipes, to stderr."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def write_json(value: Any, chosen: Output) -> None:
    """Write one value as JSON: on one line for `jsonl`, indented for `json`."""
    indent = 2 if chosen is Output.JSON else None
    write(json.dumps(value, ensure_ascii=not _is_utf8(sys.stdout), indent=indent))


def write_items(items: Iterable[Mapping[str, Any]], chosen: Output, next_cursor: str | None = None) -> None:
    """Write a list as JSON: one object with `items`, or one item a line and a note if there are more."""
    if chosen is Output.JSON:
        write_json({"items": list(items), "next_cursor": next_cursor}, chosen)
        return
    for item in items:
        write_json(item, chosen)
    if next_cursor is not None:
        note(f"There are more: add --cursor {next_cursor}")


def render(*parts: RenderableType) -> None:
    """Write tables and styled text to stdout, as wide and as colourful as it allows; a command to copy stays whole."""
    console = console_for(sys.stdout)
    with console.capture() as captured:
        for part in parts:
            console.print(part, crop=False)
    lines = (line.rstrip() for line in captured.get().splitlines())
    write("\n".join(lines))


def console_for(stream: Any) -> Console:
    """Return a Rich console that takes no markup from users' data."""
    from rich.console import Console  # noqa: PLC0415  (40 ms that JSON output and errors do not need)

    width = None if stream.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def printable(text: str) -> str:
    """Return text, its lines as they are, without the control characters that could play tricks on a terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)


def visible(value: object) -> str:
    """Return a value as text on one line that is safe to show in a terminal."""
    return printable(str(value)).replace("\n", " ").replace("\t", " ")
