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
    return meant(invocation.kept(prefix), kind, typed, look=f"run: {command_for(noun, 'list', prefix=prefix)}")


def gone(noun: str, name: str, prefix: str | None, *, version: int | None = None, at: str | None = None) -> NotFound:
    """Return the error that a key has no such version, was not there then, or was deleted.

    Parameters:
      noun: the command's group.
      name: the key's name.
      prefix: the key prefix.
      version: the number of the version; None means the present one.
      at: the moment that was asked for, as it was typed; None means now.
    """
    what = "is not there now: it was deleted"
    if version is not None:
        what = f"has no version {version}, or that is a deletion"
    elif at is not None:
        what = f"was not there at that time: {at}"
    return NotFound(f"{name} {what}", hint=f"run: {command_for(noun, 'versions', name, prefix=prefix)}")


def command_for(noun: str, verb: str, *names: str, prefix: str | None) -> str:
    """Return a command on what Lords remember, as people type it.

    Parameters:
      noun: its group.
      verb: the command.
      names: its arguments.
      prefix: the key prefix.
    """
    return shlex.join(["questline", noun, verb, *names, *(["--prefix", prefix] if prefix else [])])
