"""The documents of the repository, and the fenced blocks in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"
#: Every page that users read.
PAGES = (
    *(README, *sorted((ROOT / "docs").rglob("*.md"))),
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "llms.txt")),
)

#: Languages of blocks that hold commands.
_COMMANDS = {"sh", "console", "text", "ini"}
_PROMPTS = ("$ ", "> ")
_BLOCK = re.compile(r"^```(\w*) *([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, what else stands on its first line, and its text."""

    language: str
    info: str
    text: str

    @property
    def file(self) -> str | None:
        """The name of the file that the block is to be saved as, or None."""
        return self.info.removeprefix("file=") if self.info.startswith("file=") else None

    @property
    def typed(self) -> str:
        """What a reader types in a console: its lines that begin with "$ ", and "> " where one goes on."""
        return "".join(line[2:] for line in self._lines() if line.startswith(_PROMPTS))

    @property
    def shown(self) -> str:
        """What a console prints."""
        return "".join(line for line in self._lines() if not line.startswith(_PROMPTS))

    def _lines(self) -> list[str]:
        return self.text.splitlines(keepends=True)


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    return [Block(*match) for match in _BLOCK.findall(page.read_text())]


def anchors(page: Path) -> set[str]:
    """Return the names by which a page's headings can be linked to."""
    prose = _BLOCK.sub("", page.read_text())
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[str]:
    """Return every command of a page's blocks that calls questline, without what stands around the call."""
    texts = [
        block.typed if block.language == "console" else block.text
        for block in blocks(page)
        if block.language in _COMMANDS
    ]
    lines = [line for text in texts for line in text.splitlines()]
    calls = [re.search(r"(?:^|[ (])(questline [^)|]*)", line.partition(" #")[0]) for line in lines]
    return [call[1].strip() for call in calls if call and "-m questline" not in call.string]
