"""The tools of the agent: each looks at the folder, and says what it has seen."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from examples.forge_agent.action import Action
from examples.forge_agent.folder import Folder, Refused

#: Most lines that a search shows.
MAX_LINES: Final = 200


def read_file(folder: Folder, action: Action) -> str:
    """Return the text of a file."""
    return folder.read(action.path)


def list_folder(folder: Folder, action: Action) -> str:
    """Return the names in a folder, one a line."""
    return "\n".join(folder.names(action.path))


def find_word(folder: Folder, action: Action) -> str:
    """Return the lines that have a word, each with its file and number."""
    found = [line for path in folder.matching(action.path) for line in _lines_with(folder, path, action.word)]
    return "\n".join(found[:MAX_LINES]) or "nothing"


def _lines_with(folder: Folder, path: str, word: str) -> Iterator[str]:
    try:
        text = folder.read(path)
    except (Refused, OSError):
        return  # no text, or gone meanwhile
    for number, line in enumerate(text.splitlines(), start=1):
        if word.casefold() in line.casefold():
            yield f"{path}:{number}: {line.strip():.200}"


TOOLS: Final[Mapping[str, Callable[[Folder, Action], str]]] = {
    "read_file": read_file,
    "list_folder": list_folder,
    "find_word": find_word,
}
