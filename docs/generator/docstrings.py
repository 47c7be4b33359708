"""Docstrings taken apart: the sentence they begin with, what follows, and their sections."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import Any

_SECTION = re.compile(r"^([A-Z][a-z]+(?: [a-z]+)*):\n((?:  .*\n|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^(\w+): (.*(?:\n  .*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Docstring:
    """What a docstring says.

    Parameters:
      summary: its first paragraph, on one line.
      text: the paragraphs after it, one line each.
      sections: the text of each section, such as "Parameters", its indentation taken away.
    """

    summary: str = ""
    text: tuple[str, ...] = ()
    sections: dict[str, str] = field(default_factory=dict)

    def entries(self, section: str) -> dict[str, str]:
        """Return what a section of the form `name: text` says, by name."""
        return {name: on_one_line(text) for name, text in _ENTRY.findall(self.sections.get(section, ""))}


def read(thing: Any) -> Docstring:
    """Return what the docstring of a class, a function or a property says."""
    whole = f"{inspect.getdoc(thing) or ''}\n"
    sections = {name: inspect.cleandoc(f"\n{text}") for name, text in _SECTION.findall(whole)}
    summary, *rest = (on_one_line(part) for part in _SECTION.sub("", whole).split("\n\n") if part.strip())
    return Docstring(summary, tuple(rest), sections)


def on_one_line(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())
