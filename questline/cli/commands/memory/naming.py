"""The nouns of what Lords remember, and what people mean by a name that they type behind one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from questline.cli.invocation import Invocation
from questline_persistence.errors import NotFound
from questline_persistence.kinds import AGENT_STATES, CONTEXTS, EVENTS, MEMORIES, TODO_LISTS

if TYPE_CHECKING:
    from questline_persistence.kinds import Entries, Versioned

#: What has versions, by the command's group.
VERSIONED: dict[str, Versioned] = {"context": CONTEXTS, "state": AGENT_STATES, "todo": TODO_LISTS}
#: What was added once, likewise.
ENTRIES: dict[str, Entries] = {"event": EVENTS, "memory": MEMORIES}


def name_meant(invocation: Invocation, noun: str, typed: str, prefix: str | None) -> str:
    """Return the name of the key, or the id of the entry, that a person means.

    Parameters:
      noun: the command's group.
      typed: the whole name, its beginning or its end, or @last.
      prefix: the key prefix.

    Raises:
      NotFound: none, or several, are meant.
    """
    from questline_persistence.memory.looking import meant  # noqa: PLC0415  (200 ms that --help does not need)

    kind = VERSIONED.get(noun) or ENTRIES[noun]
    return meant(invocation.kept(prefix), kind, typed, look=f"run: questline {noun} list")


def gone(noun: str, name: str, version: int | None = None) -> NotFound:
    """Return the error that a key has no such version, or was deleted.

    Parameters:
      noun: the command's group.
      name: the key's name.
      version: the number of the version; None means the present one.
    """
    what = "is not there now: it was deleted" if version is None else f"has no version {version}, or that is a deletion"
    return NotFound(f"{name} {what}", hint=f"run: {shlex.join(['questline', noun, 'versions', name])}")
