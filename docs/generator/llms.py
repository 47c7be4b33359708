"""`llms.txt`, which language models read first: in the form of llmstxt.org, from the README and the index of `docs`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from docstrings import on_one_line

ROOT = Path(__file__).resolve().parents[2]
#: What a program that writes code for questline should know before it reads on.
NOTES = """\
- Import everything from `questline`, what Lords remember from `questline.memory`, and what tests need (`run_step`,
  `run_quest`) from `questline.testing`; `pip install .` in a checkout installs them. Python 3.11 or later.
- A step names a Lord and a tool; `@lord("architect", "design_system")` registers the function for the two. Its first
  parameter is the `LordContext`. The others are filled by name: from the step's params, the quest's input, the output
  of the Lord of that name. It returns JSON, a Pydantic model or a dataclass.
- A step may run more than once, when a worker dies; its result counts once. Give `ctx.idempotency_key` to every
  service with effects. Raise `Permanent` to fail at once, `Retry(after=…)` to try again later, `Snooze(after=…)` to
  wait.
- `ctx.once("plan", ask_model, goal)` makes a call once in a step and keeps its result, also if the step runs again; it
  is awaited if the function is async. The calls of a step have the same names in the same order in each attempt.
- Submit with `QuestClient().submit(…)` or `questline submit`; run with `questline worker`, or `questline dev` for all
  in one process. Every command takes `-o json`; every error has a `code`, a `message` and a `hint`.
- Times called `*_time` are epoch seconds, those called `*_at` RFC 3339 in UTC; lengths of time are in seconds.
"""

#: Sections that have another name there: whoever is short of room may leave out what is optional.
SECTIONS = {"Check it": "Optional"}

_ITEM = re.compile(r"^- (.+\n(?:  .+\n)*)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#]+\.md)\)")


def llms_text() -> str:
    """Return the whole file.

    Raises:
      SystemExit: a page of `docs` is not in the index.
    """
    title, summary = (ROOT / "README.md").read_text().split("\n\n")[:2]
    parts = [title, f"> {on_one_line(summary)}", NOTES.strip()]
    for heading, entries in _index():
        parts += [f"## {SECTIONS.get(heading, heading)}", "\n".join(entries)]
    return "\n\n".join(parts) + "\n"


def _index() -> list[tuple[str, list[str]]]:
    """Return the sections of the documentation's index, each with its pages as items."""
    index = ROOT / "docs" / "README.md"
    sections = re.findall(r"^## (.+)\n((?:(?!^## ).*\n)*)", index.read_text(), re.MULTILINE)
    items = [(heading, [*_pages(text)]) for heading, text in sections]
    missing = {*(ROOT / "docs").rglob("*.md")} - {index, *(page for _, pages in items for page, _ in pages)}
    if missing:
        names = ", ".join(sorted(str(page.relative_to(ROOT)) for page in missing))
        raise SystemExit(f"docs/README.md does not name {names}")
    return [(heading, [_shown(page, note) for page, note in pages]) for heading, pages in items]


def _pages(text: str) -> Iterator[tuple[Path, str]]:
    """Yield the pages that a section links to, with what is said of each: an item may have several links, or a note."""
    for item in _ITEM.findall(text):
        links = _LINK.findall(item)
        note = item.partition("): ")[2] if len(links) == 1 else ""
        yield from ((ROOT / "docs" / link, on_one_line(note)) for link in links)


def _shown(page: Path, note: str) -> str:
    """Return a page as an item: its title, its path, and what the index or else its own first two sentences say."""
    heading, paragraph = page.read_text().split("\n\n")[:2]
    words = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", on_one_line(paragraph))
    note = note or " ".join(re.split(r"(?<=\.) ", words)[:2])
    return f"- [{heading.removeprefix('# ')}]({page.relative_to(ROOT)}): {note}"
