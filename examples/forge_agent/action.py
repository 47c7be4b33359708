"""What the agent can do, and how a goal in words becomes a list of it."""

import re
from typing import Final

from pydantic import BaseModel

#: Most actions of one goal.
MAX_ACTIONS: Final = 10
#: How a goal names each tool: the words are free of case, the rest is taken to the letter.
WORDS: Final = {
    "read_file": re.compile(r"read the file (?P<path>.+)", re.IGNORECASE),
    "list_folder": re.compile(r"list the folder (?P<path>.+)", re.IGNORECASE),
    "find_word": re.compile(r"find the word (?P<word>\S+) in (?P<path>.+)", re.IGNORECASE),
}


class Action(BaseModel):
    """One use of one tool.

    Parameters:
      tool: `read_file`, `list_folder` or `find_word`.
      path: the file or the folder, from the root; for `find_word` a pattern of files' names.
      word: the word to be found.
      asked: the path that the goal names, where a lesson has led to another one.
    """

    tool: str
    path: str
    word: str = ""
    asked: str = ""

    def __str__(self) -> str:
        """Return the action in words."""
        if self.tool == "find_word":
            return f"find the word {self.word} in {self.path}"
        return f"{self.tool.replace('_', ' the ')} {self.path}"


def actions_of(goal: str) -> list[Action]:
    """Return what a goal asks for, such as "List the folder docs, then read the file README.md".

    Raises:
      ValueError: some of it is nothing that the agent can do.
    """
    clauses = re.split(r", then ", goal, flags=re.IGNORECASE)
    if len(clauses) > MAX_ACTIONS:
        message = f"a goal has {MAX_ACTIONS} actions at most, not {len(clauses)}"
        raise ValueError(message)
    return [_action(clause.strip()) for clause in clauses]


def _action(clause: str) -> Action:
    for tool, words in WORDS.items():
        if found := words.fullmatch(clause):
            return Action(tool=tool, **found.groupdict())
    message = (
        f'"{clause:.100}" is nothing that I can do: "Read the file X", "List the folder X", "Find the word X in *.md"'
    )
    raise ValueError(message)
